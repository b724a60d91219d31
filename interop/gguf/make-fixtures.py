#!/usr/bin/env python3
"""What llama.cpp's own converter makes of small models: names, metadata and tensors, as fixtures for the Java tests.

    python3 make-fixtures.py LLAMA_CPP GOLDEN OUT_DIR

LLAMA_CPP is a checkout of llama.cpp (its convert_hf_to_gguf.py and gguf-py are used), GOLDEN holds directories of tiny
models, OUT_DIR gets one NAME.json each: of every metadata key the value (of lists the length and a digest), of every
tensor type, shape and the SHA-256 of its bytes. Needs `pip install torch transformers sentencepiece numpy`.

Two things are put right on the way: directories without a tokenizer get that of `bloom`, and its rule for cutting texts,
which the converter knows by a hash of the published vocabulary alone, is called bloom.
"""
import hashlib, json, pathlib, runpy, shutil, sys, tempfile

FAMILIES = ["bloom", "bloom-nhead5", "llama", "llama-gqa", "llama-rope-llama3", "mistral", "qwen2", "qwen3"]
TOKENIZER = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]


def main():
    checkout, golden, out = (pathlib.Path(a) for a in sys.argv[1:4])
    sys.path[:0] = [str(checkout), str(checkout / "gguf-py")]
    import gguf
    from conversion.base import TextModel
    TextModel.get_vocab_base_pre = lambda self, tokenizer: "bloom"
    out.mkdir(parents=True, exist_ok=True)
    for name in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder, name)
            shutil.copytree(golden / name, model)
            if not (model / "tokenizer.json").exists():
                for file in TOKENIZER:
                    shutil.copy(golden / "bloom" / file, model)
            for precision in ("f32", "q8_0"):
                target = pathlib.Path(folder, f"{precision}.gguf")
                sys.argv = ["convert", str(model), "--outfile", str(target), "--outtype", precision]
                runpy.run_path(str(checkout / "convert_hf_to_gguf.py"), run_name="__main__")
            reader = gguf.GGUFReader(pathlib.Path(folder, "f32.gguf"))
            facts = {"metadata": {k: value(f) for k, f in reader.fields.items() if not k.startswith("GGUF.")}, "tensors": tensors(reader),
                     "q8_0": tensors(gguf.GGUFReader(pathlib.Path(folder, "q8_0.gguf")))}
            (out / f"{name}.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"{name}: {len(facts['metadata'])} keys, {len(facts['tensors'])} tensors")


def value(field):
    contents = field.contents()
    if isinstance(contents, list):
        return {"count": len(contents), "sha256": hashlib.sha256("\n".join(map(str, contents)).encode()).hexdigest()}
    return contents


def tensors(reader):
    return {t.name: {"type": t.tensor_type.name, "shape": [int(n) for n in reversed(t.shape)], "sha256": hashlib.sha256(t.data.tobytes()).hexdigest()} for t in reader.tensors}


main()
