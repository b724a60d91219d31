"""Serving beside vLLM and llama.cpp: one real model over HTTP, in turns on one machine; output tokens/s of each turn and ratios.

    python serve-beside-peers.py PEERS DIR MODEL [GGUF] [-- LINGYU ...]

PEERS is the folder of the peers' scripts (peer_serve.sh starts a peer, peer_serve.py is the client of all), DIR where their
setup.sh put them. MODEL is a Hugging Face directory for ours and for vLLM, where DIR has it; GGUF the same model for
llama-server. LINGYU is ours (default: the launcher beside this folder). TURNS=2, CONCURRENCY=1,16, SECONDS_PER_LEVEL=15,
LOAD=decode, DTYPE=bf16, PORT=18080 in the environment change what is run. The client keeps CONCURRENCY requests of 16 Chinese
characters and 128 new tokens under way, each answered as a stream. Nothing else should run meanwhile.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request

SETTING = lambda name, otherwise: os.environ.get(name, otherwise)
PORT, CONCURRENCY, LOAD = SETTING("PORT", "18080"), SETTING("CONCURRENCY", "1,16"), SETTING("LOAD", "decode")
SECONDS = SETTING("SECONDS_PER_LEVEL", "15")


def levels(output):
    """By concurrency, what the client printed."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return {line["concurrency"]: line for line in lines if line.get("load") == LOAD}


def peer(peers, folder, name, model):
    environment = dict(os.environ, PORT=PORT, CONCURRENCY=CONCURRENCY, SECONDS_PER_LEVEL=SECONDS)
    done = subprocess.run(
        ["bash", str(peers / "peer_serve.sh"), str(folder), name, str(model)], capture_output=True, text=True, env=environment
    )
    if done.returncode:
        sys.exit(f"{name} ended with {done.returncode}:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    return levels(done.stdout)


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=2)
        return True
    except (urllib.error.URLError, OSError):
        return False


def ours(lingyu, peers, folder, model):
    command = [*lingyu, "serve", "--model", model, "--model-id", "default", "--dtype", SETTING("DTYPE", "bf16"), "--port", PORT]
    with open(os.devnull, "w") as nowhere:
        server = subprocess.Popen([str(part) for part in command], stdout=nowhere, stderr=nowhere)
    try:
        begun = time.monotonic()
        while not answers(f"http://127.0.0.1:{PORT}/v1/models"):
            if server.poll() is not None or time.monotonic() - begun > 240:
                sys.exit(f"{' '.join(map(str, command))} does not answer (exit status {server.poll()}).")
            time.sleep(0.2)
        print(f"  lingyu ready after {time.monotonic() - begun:.1f} s", flush=True)
        client = [folder / "venv/bin/python", peers / "peer_serve.py", "--url", f"http://127.0.0.1:{PORT}", "--no-limits"]
        options = ["--load", LOAD, "--seconds", SECONDS, "--concurrency", CONCURRENCY]
        return levels(subprocess.run([*client, *options], capture_output=True, text=True, check=True).stdout)
    finally:
        server.terminate()
        server.wait(30)


def main():
    arguments = sys.argv[1:]
    at = arguments.index("--") if "--" in arguments else len(arguments)
    lingyu = arguments[at + 1 :] or [pathlib.Path(__file__).resolve().parent.parent / "lingyu"]
    if not 3 <= at <= 4:
        sys.exit(__doc__)
    peers, folder, model = map(pathlib.Path, arguments[:3])
    programs = {"lingyu": lambda: ours(lingyu, peers, folder, model)}
    if (folder / "vllm").is_dir():
        programs["vllm"] = lambda: peer(peers, folder, "vllm", model)
    if at == 4:
        programs["llama-server"] = lambda: peer(peers, folder, "llama-server", arguments[3])
    speeds = {}
    for turn in range(int(SETTING("TURNS", "2"))):
        for name, run in programs.items():
            for clients, line in run().items():
                speed = line["output_tokens_per_second"]
                speeds.setdefault(clients, {}).setdefault(name, []).append(speed)
                print(f"turn {turn + 1}, {name}, {clients} at once: {speed} tokens/s, first token after "
                      f"{line['first_token_ms']['p50']} ms (p50), {line['n']} answers, {line.get('errors', 0)} errors", flush=True)
    for clients, by_name in speeds.items():
        mine = statistics.median(by_name["lingyu"])
        for name, found in by_name.items():
            ratio = "" if name == "lingyu" else f", ours is {mine / statistics.median(found):.2f} x"
            print(f"{clients} at once, {name}: {' '.join(map(str, found))} tokens/s{ratio}")


main()
