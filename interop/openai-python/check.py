#!/usr/bin/env python3
"""Talks to a running `lingyu serve` with OpenAI's own Python client.

    pip install "openai>=2"
    python3 interop/openai-python/check.py http://127.0.0.1:7690/v1 [API_KEY]

Prints one line per check and ends with 1 if any failed.
"""

import sys

import openai


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    base = sys.argv[1]
    key = sys.argv[2] if len(sys.argv) > 2 else "none"
    client = openai.OpenAI(base_url=base, api_key=key, max_retries=0, timeout=120)
    model = client.models.list().data[0].id
    messages = [{"role": "user", "content": "你好，请介绍一下冰箱。"}]
    greedy = dict(model=model, messages=messages, temperature=0, max_tokens=24)

    def models():
        assert client.models.retrieve(model).id == model
        return model

    def chat():
        reply = client.chat.completions.create(**greedy)
        assert reply.id.startswith("chatcmpl-") and reply.object == "chat.completion"
        assert reply.choices[0].finish_reason in ("stop", "length")
        usage = reply.usage
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens and usage.completion_tokens <= 24
        return reply.choices[0].message.content

    def stream():
        whole = client.chat.completions.create(**greedy)
        text, last = "", None
        chunks = client.chat.completions.create(**greedy, stream=True, stream_options={"include_usage": True})
        for chunk in chunks:
            if chunk.choices:
                text += chunk.choices[0].delta.content or ""
                last = chunk.choices[0].finish_reason or last
            usage = chunk.usage
        assert text == whole.choices[0].message.content, (text, whole.choices[0].message.content)
        assert last == whole.choices[0].finish_reason and usage == whole.usage
        return text

    def accumulated():
        with client.chat.completions.stream(**greedy) as events:
            for _ in events:
                pass
            return events.get_final_completion().choices[0].message.content

    def logprobs():
        reply = client.chat.completions.create(**greedy, logprobs=True, top_logprobs=3)
        content = reply.choices[0].logprobs.content
        assert content and all(t.logprob <= 0 and len(t.top_logprobs) == 3 for t in content)
        spelled = b"".join(bytes(t.bytes) for t in content).decode("utf-8", "replace")
        assert spelled.startswith(reply.choices[0].message.content.split("\ufffd")[0])
        return f"{len(content)} tokens"

    def completions():
        ask = dict(model=model, prompt=["空调的功率", "洗衣机"], temperature=0, max_tokens=8)
        reply = client.completions.create(**ask, logprobs=2)
        assert [c.index for c in reply.choices] == [0, 1]
        assert len(reply.choices[0].logprobs.tokens) == len(reply.choices[0].logprobs.token_logprobs)
        texts = ["", ""]
        for chunk in client.completions.create(**ask, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.text
        assert texts == [c.text for c in reply.choices]
        return texts

    def several():
        reply = client.chat.completions.create(model=model, messages=messages, n=3, seed=1, max_tokens=8)
        assert len(reply.choices) == 3
        return "3 choices"

    def handbook():
        chunks = client.chat.completions.create(
            model=model,
            messages=messages,
            temperature=0.95,
            top_p=0.85,
            stream=True,
            max_tokens=32,
            extra_body={"decoder": "sample", "max_length": None, "repetition_penalty": 1.0},
        )
        return "".join(c.choices[0].delta.content or "" for c in chunks)

    def errors():
        for change, kind, param in (
            (dict(temperature=5), openai.BadRequestError, "temperature"),
            (dict(n=0), openai.BadRequestError, "n"),
            (dict(messages=[]), openai.BadRequestError, "messages"),
            (dict(max_tokens=10**8), openai.BadRequestError, "messages"),
            (dict(model="no-such-model"), openai.NotFoundError, "model"),
        ):
            try:
                client.chat.completions.create(**{**greedy, **change})
            except kind as e:
                assert e.param == param and e.type == "invalid_request_error" and e.request_id, (e.param, e.body)
            else:
                raise AssertionError(f"{change} was accepted")
        return "refused as OpenAI refuses"

    failed = 0
    for check in (models, chat, stream, accumulated, logprobs, completions, several, handbook, errors):
        try:
            print(f"ok      {check.__name__:12} {str(check())[:80]!r}")
        except Exception as e:  # a failed check must not hide the others
            failed += 1
            print(f"FAILED  {check.__name__:12} {type(e).__name__}: {e}")
    sys.exit(1 if failed else 0)


main()
