"""Records what llama.cpp computes with Baichuan-13B's layout: ALiBi, and query, key and value packed in one matrix.

    pip install gguf llama-cpp-python numpy
    python make-baichuan-alibi-fixture.py model/src/test/resources/baichuan-alibi.json

llama.cpp takes a `baichuan` of 40 layers for the 13B model and gives it ALiBi; any other number would get rotary positions.
So these models have 40 thin layers, and 4 heads, or 40 as published, which is no power of two. Their weights are not kept:
each follows from the CRC-32 of its published name, by whole numbers that f32 holds exactly, so the test makes them anew.
`W_pack` is cut into three equal parts, as llama.cpp's converter cuts it; the converter's turn for rotary positions is left out.
"""
import binascii
import json
import pathlib
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np

VOCABULARY, LAYERS, TOKENS, NEW = 48, 40, 40, 12
IN_GGUF = {"model.embed_tokens.weight": "token_embd", "self_attn.o_proj.weight": "attn_output", "mlp.gate_proj.weight": "ffn_gate",
           "mlp.up_proj.weight": "ffn_up", "mlp.down_proj.weight": "ffn_down", "input_layernorm.weight": "attn_norm",
           "post_attention_layernorm.weight": "ffn_norm", "model.norm.weight": "output_norm", "lm_head.weight": "output"}


def shapes(hidden, inner):
    """What the published directory holds: names and shapes."""
    yield "model.embed_tokens.weight", (VOCABULARY, hidden)
    for i in range(LAYERS):
        layer = f"model.layers.{i}."
        yield layer + "self_attn.W_pack.weight", (3 * hidden, hidden)
        yield layer + "self_attn.o_proj.weight", (hidden, hidden)
        yield layer + "mlp.gate_proj.weight", (inner, hidden)
        yield layer + "mlp.up_proj.weight", (inner, hidden)
        yield layer + "mlp.down_proj.weight", (hidden, inner)
        yield layer + "input_layernorm.weight", (hidden,)
        yield layer + "post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)
    yield "lm_head.weight", (VOCABULARY, hidden)


def weight(name, shape):
    """A matrix of values in [-1/4, 1/4), or a vector of values in [3/4, 5/4): sixteen bits of a hash of name and place."""
    x = np.arange(np.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(binascii.crc32(name.encode()))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    value = (x >> np.uint32(16)).astype(np.float32) / np.float32(1 << 17) - np.float32(0.25)
    return (value if len(shape) > 1 else value + np.float32(1)).reshape(shape)


def write(file, hidden, inner, heads, epsilon):
    """The same weights as a GGUF file without a vocabulary."""
    writer = gguf.GGUFWriter(file, "baichuan")
    writer.add_context_length(4096)
    writer.add_vocab_size(VOCABULARY)
    writer.add_embedding_length(hidden)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(inner)
    writer.add_rope_dimension_count(hidden // heads)
    writer.add_head_count(heads)
    writer.add_layer_norm_rms_eps(epsilon)
    writer.add_tokenizer_model("none")
    for name, shape in shapes(hidden, inner):
        values = weight(name, shape)
        part, block = name, ""
        if name.startswith("model.layers."):
            _, _, i, part = name.split(".", 3)
            block = f"blk.{i}."
        if part == "self_attn.W_pack.weight":
            for kind, rows in zip("qkv", np.split(values, 3)):
                writer.add_tensor(f"{block}attn_{kind}.weight", np.ascontiguousarray(rows))
        else:
            writer.add_tensor(f"{block}{IN_GGUF[part]}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def record(hidden, inner, heads):
    epsilon = 1e-6
    config = {"model_type": "baichuan", "architectures": ["BaichuanForCausalLM"], "vocab_size": VOCABULARY, "hidden_size": hidden,
              "intermediate_size": inner, "num_hidden_layers": LAYERS, "num_attention_heads": heads, "hidden_act": "silu", "rms_norm_eps": epsilon,
              "model_max_length": 4096, "tie_word_embeddings": False, "torch_dtype": "float32"}
    ids = [(11 * i * i + 5 * i + 3) % VOCABULARY for i in range(TOKENS)]
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "model.gguf")
        write(file, hidden, inner, heads, epsilon)
        model = llama_cpp.Llama(str(file), n_ctx=128, n_batch=128, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False,
                                type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, flash_attn=False)
        model.eval(ids)
        logits = np.array(model.scores[:TOKENS])
        new, gaps = [], []
        model.reset()
        model.eval(ids[:8])
        for _ in range(NEW):
            scores = np.array(model.scores[model.n_tokens - 1])
            new.append(int(scores.argmax()))
            gaps.append(float(np.diff(np.sort(scores)[-2:])[0]))
            model.eval(new[-1:])
    print(f"{heads} heads: logits up to {np.abs(logits).max():.2f}, smallest gap of a greedy step {min(gaps):.3f}", file=sys.stderr)
    return {"config": config, "ids": ids, "logits": [[round(float(v), 6) for v in row] for row in logits], "prompt": ids[:8], "greedy": new}


facts = {"llama_cpp_python": llama_cpp.__version__, "cases": {"4 heads": record(32, 48, 4), "40 heads": record(80, 48, 40)}}
pathlib.Path(sys.argv[1]).write_text(json.dumps(facts) + "\n")
