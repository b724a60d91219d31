#!/usr/bin/env python3
"""Holds what Lingyu reads and writes as GGUF against llama.cpp.

    pip install llama-cpp-python numpy safetensors
    python3 check-with-llama-cpp.py exported GOLDEN               # directories of tiny models with recorded logits
    python3 check-with-llama-cpp.py greedy FILE.gguf [--tokens 48]

`exported`: each model is written with `lingyu export gguf` in each type and loaded by llama.cpp, whose logits are compared
with the recorded ones (tolerances by type, see TOLERANCE; what q8_0 and q4_0 change is only told), and
its greedy continuation with the recorded one.

`greedy`: Lingyu continues prompts greedily in f32 with the weights of FILE; llama.cpp reads the same tokens twice, from FILE
itself (where it rounds activations to 8 bits before products with quantised weights) and from an f32 export of it (where it
does not). Counted at each step: would llama.cpp have taken the same token; if not, how far its two best lie apart. Fails when
they differ on the f32 export by 1e-2 or more. Then both write freely, and texts are compared.

--lingyu COMMAND says how to run Lingyu (default ./lingyu).
"""
import argparse, json, pathlib, shlex, shutil, subprocess, sys, tempfile

import numpy as np

FAMILIES = ["bloom", "bloom-nhead5", "llama", "llama-gqa", "llama-rope-llama3", "mistral", "qwen2", "qwen3"]
TYPES = ["f32", "f16", "bf16", "q8_0", "q4_0"]
TOLERANCE = {"f32": 1e-4, "f16": 2e-2, "bf16": 2e-1}
TABLE_GELU = 1e-2  # ggml looks BLOOM's GELU up in a table of f16 values
NEAR_TIE = 1e-2
TEXTS = ["The capital of France is", "def quicksort(values):\n", "一加一等于", "Once upon a time, there was a small robot"]
MESSAGES = ["What is the capital of France?", "你好，请用一句话介绍冰箱的保养。", "Write a Java method that reverses a string.", "🧊 What does this emoji mean?"]


def load(file, context=512, threads=2):
    import llama_cpp
    # The cache in f32 too: the default, f16, would be a difference of its own.
    return llama_cpp.Llama(str(file), n_ctx=context, n_batch=context, n_threads=threads, n_threads_batch=threads, logits_all=True, verbose=False,
                           type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, flash_attn=False)


def logits(model, ids):
    model.reset()
    model.eval([int(i) for i in ids])
    return np.array(model.scores[: len(ids)])


def free_run(model, prompt, count, ends):
    ids = [int(i) for i in prompt]
    model.reset()
    model.eval(ids)
    new = []
    while len(new) < count:
        best = int(np.argmax(model.scores[model.n_tokens - 1]))
        new.append(best)
        if best in ends:
            break
        model.eval([best])
    return new


def run(args, *words):
    subprocess.run(shlex.split(args.lingyu) + [str(w) for w in words], check=True, stdout=subprocess.DEVNULL)


def exported(args):
    from safetensors.numpy import load_file
    golden, failed = pathlib.Path(args.path), []
    for name in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            directory = pathlib.Path(folder, name)
            shutil.copytree(golden / name, directory)
            if not (directory / "tokenizer.json").exists():  # llama.cpp loads no model without a vocabulary
                for file in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
                    shutil.copy(golden / "bloom" / file, directory)
            arrays = load_file(golden / name / "expected.safetensors")
            ids, expected = arrays["full.input_ids"][0], arrays["full.logits"][0]
            window = json.loads((golden / name / "config.json").read_text()).get("sliding_window")
            if window:  # llama.cpp does not read it: compare what lies within
                ids, expected = ids[:window], expected[:window]
            for precision in TYPES:
                file = pathlib.Path(folder, f"{precision}.gguf")
                run(args, "export", "gguf", directory, file, "--type", precision)
                model = load(file, context=128, threads=1)
                difference = float(np.abs(logits(model, ids) - expected).max())
                same = "not compared (window)"
                if not window:
                    prompts, masks, runs = arrays["gen.input_ids"], arrays["gen.attention_mask"], arrays["gen.greedy"]
                    texts = [free_run(model, p[m == 1], runs.shape[1] - len(p), ()) == r[len(p):].tolist() for p, m, r in zip(prompts, masks, runs)]
                    same = f"{sum(texts)} of {len(texts)} continuations equal"
                    if precision == "f32" and not all(texts):
                        failed.append(f"{name} {precision} text")
                allowed = TABLE_GELU if name.startswith("bloom") and precision == "f32" else TOLERANCE.get(precision, float("inf"))
                bad = difference > allowed
                if bad:
                    failed.append(f"{name} {precision}")
                print(f"{'FAIL' if bad else 'ok  '} {name:18} {precision:5} full.logits largest difference {difference:.2e}, greedy: {same}", flush=True)
                del model
    return failed


def greedy(args):
    failed = []
    source = pathlib.Path(args.path)
    with tempfile.TemporaryDirectory() as folder:
        rows, answers = pathlib.Path(folder, "prompts.jsonl"), pathlib.Path(folder, "answers.jsonl")
        prompts = [{"text": t} for t in TEXTS] + [{"messages": [{"role": "user", "content": m}]} for m in MESSAGES]
        rows.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in prompts), encoding="utf-8")
        run(args, "generate", "--model", source, "--input", rows, "--output", answers, "--dtype", "f32", "--max-new-tokens", args.tokens)
        ours = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
        plain = pathlib.Path(folder, "f32.gguf")
        run(args, "export", "gguf", source, plain, "--type", "f32", "--dtype", "f32")
        for label, file in (("the file itself", source), ("its f32 export", plain)):
            model = load(file)
            for row, answer in zip(prompts, ours):
                if "text" in row:
                    special = bool(model.metadata.get("tokenizer.ggml.add_bos_token", "false") == "true")
                    theirs = model.tokenize(row["text"].encode(), add_bos=special, special=False)
                    if theirs != answer["prompt_ids"]:
                        failed.append(f"{label}: tokens of {row['text']!r}")
            steps = agreed = near = 0
            worst, equal = 0.0, 0
            for answer in ours:
                prompt, new = answer["prompt_ids"], answer["new_ids"]
                scores = logits(model, prompt + new)[len(prompt) - 1 : len(prompt) + len(new) - 1]
                for score, token in zip(scores, new):
                    steps += 1
                    gap = float(score.max() - score[token])
                    agreed += gap == 0
                    near += 0 < gap < NEAR_TIE
                    worst = max(worst, gap)
                ends = {new[-1]} if len(new) < args.tokens else set()
                equal += free_run(model, prompt, len(new), ends) == new
            print(f"{source.name}, llama.cpp on {label}: {steps} steps, {agreed} tokens equal, {near} at a gap below {NEAR_TIE:g}, {steps - agreed - near} at a larger one "
                  f"(largest {worst:.3g}); {equal} of {len(ours)} texts equal when both write freely", flush=True)
            if label == "its f32 export" and worst >= NEAR_TIE:
                failed.append(f"{label}: gap {worst:.3g}")
            del model
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["exported", "greedy"])
    parser.add_argument("path")
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--lingyu", default="./lingyu")
    args = parser.parse_args()
    failed = (exported if args.what == "exported" else greedy)(args)
    print("FAILED: " + ", ".join(failed) if failed else "all good")
    sys.exit(1 if failed else 0)


main()
