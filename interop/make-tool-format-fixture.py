"""Records how LLaMA-Factory writes tools when `tool_format` is set.

    pip install llamafactory==0.9.5        (with an empty torchaudio module on the path where none fits its torch)
    python make-tool-format-fixture.py TOKENIZER_DIRECTORY model/src/test/resources/chat-templates/tool-formats.json

Kept per case: the text of one conversation, all of its tokens decoded one after the other.
"""
import json
import sys

from llamafactory.data.template import get_template_and_fix_tokenizer
from llamafactory.hparams import DataArguments
from transformers import AutoTokenizer

TOOLS = [
    {
        "name": "price",
        "description": "Looks a price up",
        "parameters": {"type": "object", "properties": {"product": {"type": "string", "description": "its name"}}, "required": ["product"]},
    }
]
CALL = {"name": "price", "arguments": {"product": "云锦"}}
MESSAGES = [
    {"role": "user", "content": "云锦多少钱？"},
    {"role": "function", "content": json.dumps(CALL, ensure_ascii=False)},
    {"role": "observation", "content": '{"price": 399}'},
    {"role": "assistant", "content": "399 元。"},
]
cases = []
for template in ("qwen", "vicuna", "chatml", "default"):
    for tool_format in ("default", "qwen", "glm4", "llama3", "mistral"):
        tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
        arguments = DataArguments(template=template, tool_format=tool_format)
        chosen = get_template_and_fix_tokenizer(tokenizer, arguments)
        pairs = chosen.encode_multiturn(tokenizer, MESSAGES, "你是店员。", json.dumps(TOOLS, ensure_ascii=False))
        ids = [i for pair in pairs for side in pair for i in side]
        cases.append(
            {"template": template, "tool_format": tool_format, "eos": tokenizer.eos_token, "text": tokenizer.decode(ids, skip_special_tokens=False)}
        )
fixture = {"tools": TOOLS, "call": CALL, "cases": cases}
with open(sys.argv[2], "w", encoding="utf-8") as out:
    json.dump(fixture, out, ensure_ascii=False, indent=1)
    out.write("\n")
