#!/usr/bin/env python3
"""Compares the tokenizer and chat template of a directory that `lingyu convert` wrote with those of the model's own directory.

    pip install transformers
    python3 check-converted.py CONVERTED ORIGINAL

Both are loaded by transformers' AutoTokenizer; each text must become the same ids, and those the same text again.
"""
import sys

from transformers import AutoTokenizer

TEXTS = [
    "这款冰箱支持七天无理由退货吗？支持的，签收后七天内可以退货。", "繁體中文與简体混排，全角：ＡＢＣ１２３。", "The order was shipped yesterday; it can't be cancelled, I've checked.",
    "emoji 🧊 👩‍🔧 👨‍👩‍👧‍👦 🇨🇳 ❤️", "naïve café Ångström e\u0301", "日本語とハングル 한국어 и кириллица", "for (int i = 0; i < 10; i++) {\n\tsum += a[i];  // 累加\n}\n",
    "def f(x):\n    return {'a': [1, 22, 333, 4444], \"b\": x ** 2}\n\n\n", "    indented\n\n\n   trailing   ", "1234567890 3.14159 0x1F", "<|im_start|>user\n你好<|im_end|>\n", "<s>[INST] hi [/INST]</s> <|endoftext|>",
    "", " ", "\n", "\t\t", "a", "https://example.org/?q=冰箱&n=1#top",
]
CHATS = [[{"role": "user", "content": "你好"}], [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "🧊?"}]]


def main():
    ours, theirs = (AutoTokenizer.from_pretrained(d) for d in sys.argv[1:3])
    bad = 0
    for text in TEXTS:
        a, b = ours(text)["input_ids"], theirs(text)["input_ids"]
        same = a == b and ours.decode(a) == theirs.decode(b)
        bad += not same
        if not same:
            print(f"FAIL {text!r}: {a}, expected {b}")
    for chat in CHATS:
        a, b = (t.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for t in (ours, theirs))
        bad += a != b
        if a != b:
            print(f"FAIL chat {chat}: {a!r}, expected {b!r}")
    for role in ("eos_token_id", "pad_token_id", "bos_token_id"):
        print(f"{role}: {getattr(ours, role)}, the original's {getattr(theirs, role)}")
    print(f"{len(TEXTS)} texts and {len(CHATS)} chats, {bad} differ")
    sys.exit(1 if bad else 0)


main()
