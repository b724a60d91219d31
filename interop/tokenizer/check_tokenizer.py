#!/usr/bin/env python3
"""Holds a vocabulary that Lingyu trained against Hugging Face's libraries.

Install: python3 -m venv venv && venv/bin/pip install transformers==5.23.0 tokenizers==0.23.3

Make the directory first (from the root, after `mvn -DskipTests install`):
    mvn -q -pl model dependency:build-classpath -Dmdep.outputFile=/tmp/cp.txt
    java -cp model/target/classes:$(cat /tmp/cp.txt) interop/tokenizer/TrainTokenizer.java CORPUS.txt DIR 8000 bloom

Then: venv/bin/python interop/tokenizer/check_tokenizer.py DIR CORPUS.txt
Checks that `tokenizers` and `transformers` load DIR, encode every line of the corpus to the ids that Java wrote, decode
them to the line, know the special tokens, and that Hugging Face's own trainer finds the same merges in the same order.
"""
import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer


def read_lines(path):
    text = path.read_text(encoding="utf-8").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def check_ids(directory, lines):
    expected = [json.loads(row) for row in (directory / "ids.txt").read_text().splitlines()]
    assert len(expected) == len(lines), (len(expected), len(lines))
    rust = Tokenizer.from_file(str(directory / "tokenizer.json"))
    auto = AutoTokenizer.from_pretrained(str(directory))
    nfc = rust.normalizer is not None
    for line, ids in zip(lines, expected):
        assert rust.encode(line, add_special_tokens=False).ids == ids, line
        assert auto.encode(line, add_special_tokens=False) == ids, line
        if not nfc:
            assert rust.decode(ids, skip_special_tokens=False) == line
            assert auto.decode(ids) == line
    assert (auto.unk_token_id, auto.bos_token_id, auto.eos_token_id, auto.pad_token_id) == (0, 1, 2, 3)
    assert len(auto) == rust.get_vocab_size()
    print(f"{len(lines)} lines: same ids in tokenizers and transformers ({type(auto).__name__})")


def check_merges(directory, lines):
    file = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))
    ours = [tuple(merge.split(" ")) for merge in file["model"]["merges"]]
    fresh = Tokenizer(models.BPE())
    rust = Tokenizer.from_file(str(directory / "tokenizer.json"))
    fresh.pre_tokenizer = rust.pre_tokenizer
    if rust.normalizer is not None:
        fresh.normalizer = rust.normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=len(file["model"]["vocab"]),
        min_frequency=2,
        special_tokens=[token["content"] for token in file["added_tokens"]],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    fresh.train_from_iterator(lines, trainer)
    theirs = [tuple(merge) for merge in json.loads(fresh.to_str())["model"]["merges"]]
    for place, (one, other) in enumerate(zip(ours, theirs)):
        assert one == other, f"merge {place}: {one} here, {other} there"
    assert len(ours) == len(theirs), (len(ours), len(theirs))
    print(f"{len(ours)} merges: the same as Hugging Face's trainer finds, in the same order")


if __name__ == "__main__":
    check_ids(Path(sys.argv[1]), read_lines(Path(sys.argv[2])))
    check_merges(Path(sys.argv[1]), read_lines(Path(sys.argv[2])))
