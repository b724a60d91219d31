"""Is the loss of each of the first 20 LoRA steps that of transformers + PEFT, on the same rows, weights and settings?

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors==0.8.0
    python check-lora-training.py MODEL DATASET [LINGYU [ARGUMENTS ...]]

MODEL is a Hugging Face directory, DATASET an alpaca or sharegpt file of at least 40 rows, LINGYU the launcher (default:
the one beside this folder). PEFT draws the adapter's first weights; `adapter_name_or_path` hands them to `lingyu train`,
and `lingyu data preview --json` says what the rows are. Everything is computed in f32. Prints a table; ends with 1 where
a loss differs by more than 1e-4.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup

STEPS, BATCH, SEED, RATE, DECAY, CLIP, WARM_UP = 20, 2, 42, 5e-4, 0.01, 1.0, 2
TOLERANCE = 1e-4


class JavaRandom:
    """java.util.Random, which orders the rows."""

    def __init__(self, seed):
        self.state = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1)

    def bits(self, count):
        self.state = (self.state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        return self.state >> (48 - count)

    def below(self, bound):
        drawn = self.bits(31)
        if bound & (bound - 1) == 0:
            return bound * drawn >> 31
        while drawn - drawn % bound + bound - 1 >= 1 << 31:
            drawn = self.bits(31)
        return drawn % bound


def order(rows, epoch):
    """The permutation of an epoch: dev.lingyu.train.BatchOrder."""
    seed = (SEED * 0x9E3779B97F4A7C15 + epoch) & ((1 << 64) - 1)
    random, places = JavaRandom(seed), list(range(rows))
    for i in range(rows, 1, -1):
        j = random.below(i)
        places[i - 1], places[j] = places[j], places[i - 1]
    return places


def ours(lingyu, work, model, dataset):
    recipe = work / "sft.yaml"
    recipe.write_text(f"""
stage: sft
model_name_or_path: {model}
adapter_name_or_path: {work}/initial
finetuning_type: lora
dataset: {dataset}
output_dir: {work}/ours
max_samples: {STEPS * BATCH}
cutoff_len: 256
per_device_train_batch_size: {BATCH}
max_steps: {STEPS}
learning_rate: {RATE}
lr_scheduler_type: cosine
warmup_steps: {WARM_UP}
weight_decay: {DECAY}
max_grad_norm: {CLIP}
logging_steps: 1
save_steps: 0
seed: {SEED}
""")
    preview = [*lingyu, "data", "preview", recipe, "--json", "--rows", str(STEPS * BATCH)]
    lines = subprocess.run(preview, check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [json.loads(line) for line in lines if line.startswith("{")]
    subprocess.run([*lingyu, "train", recipe], check=True, stdout=subprocess.DEVNULL)
    log = [json.loads(line) for line in (work / "ours" / "trainer_log.jsonl").read_text().splitlines()]
    return rows, [line for line in log if "loss" in line]


def theirs(model, rows):
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=DECAY)
    schedule = get_cosine_schedule_with_warmup(optimizer, WARM_UP, STEPS)
    places = order(len(rows), 0)
    for step in range(STEPS):
        batch = [rows[i] for i in places[step * BATCH : (step + 1) * BATCH]]
        longest = max(len(row["input_ids"]) for row in batch)
        padded = lambda field, fill: torch.tensor([r[field] + [fill] * (longest - len(r[field])) for r in batch])
        mask = torch.tensor([[1] * len(r["input_ids"]) + [0] * (longest - len(r["input_ids"])) for r in batch])
        loss = model(input_ids=padded("input_ids", 0), attention_mask=mask, labels=padded("labels", -100)).loss
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, CLIP)
        tokens, rate = int(mask.sum()), schedule.get_last_lr()[0]
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        yield {"loss": loss.item(), "grad_norm": norm.item(), "lr": rate, "tokens": tokens}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    model, dataset = (str(pathlib.Path(argument).resolve()) for argument in sys.argv[1:3])
    lingyu = sys.argv[3:] or [str(pathlib.Path(__file__).resolve().parent.parent / "lingyu")]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        torch.manual_seed(SEED)
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, attn_implementation="eager")
        peft = get_peft_model(base, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"))
        peft.save_pretrained(work / "initial")
        rows, log = ours(lingyu, work, model, dataset)
        assert len(rows) == STEPS * BATCH and len(log) == STEPS, (len(rows), len(log))
        largest = 0.0
        print("step  tokens        lr  loss ours  loss theirs  difference  norm ours  norm theirs")
        for number, (a, b) in enumerate(zip(log, theirs(peft, rows)), 1):
            assert a["tokens"] == b["tokens"], f"step {number} took other rows: {a['tokens']} and {b['tokens']} tokens"
            assert abs(a["lr"] - b["lr"]) < 1e-9, f"step {number}: rates {a['lr']} and {b['lr']}"
            difference = abs(a["loss"] - b["loss"])
            largest = max(largest, difference)
            print(f"{number:4}  {b['tokens']:6}  {b['lr']:8.2e}  {a['loss']:9.6f}  {b['loss']:11.6f}  {difference:10.1e}"
                  f"  {a['grad_norm']:9.5f}  {b['grad_norm']:11.5f}", flush=True)
        print(f"largest difference of a loss: {largest:.1e} (tolerance {TOLERANCE:.0e})")
        sys.exit(0 if largest <= TOLERANCE else 1)


main()
