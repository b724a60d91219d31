"""LoRA fine-tuning beside LLaMA-Factory: one YAML, the same rows, in turns on one machine; tokens/s of each turn.

    pip install llamafactory==0.9.5     (in an environment of its own; where its torchaudio is of another CUDA version than
                                         its torch and refuses to load, put an empty package torchaudio on PYTHONPATH)
    python lora-beside-llama-factory.py MODEL DATASET LLAMAFACTORY_CLI [LINGYU ...]

MODEL is a Hugging Face directory, DATASET an alpaca file, LLAMAFACTORY_CLI the program `llamafactory-cli`, LINGYU ours
(default: the launcher beside this folder). TURNS=2 STEPS=12 BATCH=8 RANK=8 CUTOFF=256 TEMPLATE=qwen in the environment
change what is run. Every row is taken once, so both learn from the same tokens, in an order of their own. A turn's
tokens/s are those tokens (padding not counted) over the time of its steps, loading, tokenizing and saving left out. Both
get the memory allocator settings that our launcher sets. Nothing else should run meanwhile.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

SETTING = lambda name, otherwise: os.environ.get(name, otherwise)
TURNS, STEPS, BATCH = int(SETTING("TURNS", "2")), int(SETTING("STEPS", "12")), int(SETTING("BATCH", "8"))
RANK, CUTOFF, TEMPLATE = int(SETTING("RANK", "8")), int(SETTING("CUTOFF", "256")), SETTING("TEMPLATE", "qwen")
KEPT_PAGES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=68719476736"


def recipe(work, model, output):
    file = work / f"{output}.yaml"
    file.write_text(f"""stage: sft
do_train: true
model_name_or_path: {model}
template: {TEMPLATE}
finetuning_type: lora
lora_rank: {RANK}
lora_target: all
dataset: rows
dataset_dir: {work}
output_dir: {work}/{output}
cutoff_len: {CUTOFF}
max_samples: {STEPS * BATCH}
per_device_train_batch_size: {BATCH}
gradient_accumulation_steps: 1
num_train_epochs: 1
learning_rate: 1.0e-4
lr_scheduler_type: constant
logging_steps: 1
save_strategy: "no"
overwrite_output_dir: true
report_to: none
bf16: true
use_cpu: true
""")
    return file


def run(command):
    environment = {**os.environ, "GLIBC_TUNABLES": KEPT_PAGES, "HF_HUB_OFFLINE": "1", "DISABLE_VERSION_CHECK": "1"}
    done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    model, dataset = (str(pathlib.Path(argument).resolve()) for argument in sys.argv[1:3])
    peer = sys.argv[3]
    lingyu = sys.argv[4:] or [pathlib.Path(__file__).resolve().parent.parent / "lingyu"]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        columns = {"prompt": "instruction", "query": "input", "response": "output", "system": "system", "history": "history"}
        # The first rows, and no others: max_samples of either side then means the same.
        rows = json.loads(pathlib.Path(dataset).read_text(encoding="utf-8"))[: STEPS * BATCH]
        columns = {role: name for role, name in columns.items() if any(name in row for row in rows)}
        (work / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        (work / "dataset_info.json").write_text(json.dumps({"rows": {"file_name": "rows.json", "columns": columns}}))
        preview = run([*lingyu, "data", "preview", recipe(work, model, "preview"), "--json", "--rows", STEPS * BATCH])
        tokens = sum(len(json.loads(line)["input_ids"]) for line in preview.splitlines() if line.startswith("{"))
        speeds = {"lingyu": [], "llama-factory": []}
        for turn in range(1, TURNS + 1):
            ours, theirs = f"ours-{turn}", f"theirs-{turn}"
            run([*lingyu, "train", recipe(work, model, ours)])
            metrics = json.loads((work / ours / "run.json").read_text())["metrics"]
            speeds["lingyu"].append(metrics["tokens_per_second"])
            run([peer, "train", recipe(work, model, theirs)])
            result = json.loads((work / theirs / "train_results.json").read_text())
            speeds["llama-factory"].append(tokens / result["train_runtime"])
            print(json.dumps({
                "turn": turn, "tokens": tokens, "steps": STEPS, "batch": BATCH, "rank": RANK,
                "lingyu_tokens_per_second": round(speeds["lingyu"][-1], 1),
                "llama_factory_tokens_per_second": round(speeds["llama-factory"][-1], 1),
                "ratio": round(speeds["lingyu"][-1] / speeds["llama-factory"][-1], 2),
                "lingyu_mfu": round(metrics["mfu"], 3), "gemm_peak_gflops": round(metrics["gemm_peak_gflops"]),
                "lingyu_loss": round(metrics["train_loss"], 4), "llama_factory_loss": round(result["train_loss"], 4),
            }), flush=True)
        medians = {name: statistics.median(values) for name, values in speeds.items()}
        print(json.dumps({"medians": medians, "ratio": round(medians["lingyu"] / medians["llama-factory"], 2)}))


main()
