"""Decoding and prefill beside llama.cpp: the same weights' size, in turns on one machine; tokens/s of each turn and ratios.

    python decode-beside-llama-cpp.py LLAMA_BIN GGUF_BF16 GGUF_Q8_0 GGUF_Q4_0 [LINGYU ...]

LLAMA_BIN is the folder of llama-batched-bench; the GGUF files hold one model of SHAPE (random weights do) in three types,
LINGYU is ours (default: the launcher beside this folder). SHAPE=bloom-560m, or MODEL=DIR for ours on real weights;
TURNS=2, BATCHES=1,4,8,16, PROMPT=128, NEW=32, THREADS=2, TYPES=bf16,int8,int4 in the environment change what is run. Both
continue prompts of PROMPT tokens by NEW greedy ones; llama.cpp's speed is its own over the new tokens, ours the median
step's. Nothing else should run meanwhile: a turn whose limits differ from the others' was disturbed.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys

SETTING = lambda name, otherwise: os.environ.get(name, otherwise)
TURNS, THREADS = int(SETTING("TURNS", "2")), SETTING("THREADS", "2")
BATCHES, PROMPT, NEW = SETTING("BATCHES", "1,4,8,16"), SETTING("PROMPT", "128"), SETTING("NEW", "32")
KINDS = ("bf16", "int8", "int4")


def run(command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def llama_cpp(program, file):
    options = ["-t", THREADS, "-c", "4096", "-npp", PROMPT, "-ntg", NEW, "-npl", BATCHES, "--output-format", "jsonl"]
    lines = [json.loads(line) for line in run([program, "-m", file, *options]).splitlines() if line.startswith("{")]
    return {line["pl"]: line["speed_tg"] for line in lines}, max(line["speed_pp"] for line in lines)


def ours(lingyu, kind):
    what = ["--model", os.environ["MODEL"]] if "MODEL" in os.environ else ["--shape", SETTING("SHAPE", "bloom-560m")]
    figures = json.loads(run([*lingyu, "bench", "decode", *what, "--dtype", kind, "--batch", BATCHES, "--new", NEW, "--json"]))
    read = json.loads(run([*lingyu, "bench", "prefill", *what, "--dtype", kind, "--json"]))
    print(f"  {kind} limits: read {figures['read_gbps']:.1f} GB/s, GEMM {figures['gemm_peak_gflops']:.0f} GFLOP/s; "
          f"prefill {read['gemm_fraction']:.2f} of it; decode 1 at once "
          f"{figures['runs'][0]['bandwidth_fraction']:.2f} of the bandwidth")
    return {turn["batch"]: turn["tokens_per_second"] for turn in figures["runs"]}, read["tokens_per_second"]


def main():
    folder, *files = sys.argv[1:5]
    lingyu = sys.argv[5:] or [pathlib.Path(__file__).resolve().parent.parent / "lingyu"]
    program = pathlib.Path(folder) / "llama-batched-bench"
    for kind, file in zip(KINDS, files):
        if kind not in SETTING("TYPES", ",".join(KINDS)).split(","):
            continue
        mine, theirs, reading, their_reading = {}, {}, [], []
        for _ in range(TURNS):
            decoded, read = ours(lingyu, kind)
            reading.append(read)
            for batch, speed in decoded.items():
                mine.setdefault(batch, []).append(speed)
            decoded, read = llama_cpp(program, file)
            their_reading.append(read)
            for batch, speed in decoded.items():
                theirs.setdefault(batch, []).append(speed)
        show = lambda values: f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"
        for batch in mine:
            ratio = statistics.median(mine[batch]) / statistics.median(theirs[batch])
            print(f"| {kind} | decode, {batch} at once | {show(mine[batch])} | {show(theirs[batch])} | {ratio:.2f} |")
        ratio = statistics.median(reading) / statistics.median(their_reading)
        print(f"| {kind} | prefill, ours 512 tokens | {show(reading)} | {show(their_reading)} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
