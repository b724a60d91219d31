"""Gives the saved ChatGLM2 and Baichuan models the names and shapes that transformers has code of its own for.

    python split-remote-code-families.py SAVED_DIR OUTPUT_DIR

Their own repositories ship the code for these layouts, which today's transformers does not run. Their arithmetic is that
of its GLM and LLaMA: fused matrices are cut in rows, tensors renamed, no number is changed. What is written can be held
against the arrays that the original code gave.
"""
import json
import pathlib
import re
import sys

from safetensors.torch import load_file, save_file


def baichuan(tensors, config):
    out = {}
    for name, tensor in tensors.items():
        if name.endswith("W_pack.weight"):
            for letter, part in zip("qkv", tensor.chunk(3, 0)):
                out[name.replace("W_pack", f"{letter}_proj")] = part.contiguous()
        else:
            out[name] = tensor
    keep = ("vocab_size", "hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size", "rms_norm_eps",
            "max_position_embeddings", "hidden_act", "pad_token_id", "bos_token_id", "eos_token_id")
    new = {key: config[key] for key in keep if key in config}
    new |= {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": False}
    return out, new


def chatglm(tensors, config):
    heads, groups = config["num_attention_heads"], config["multi_query_group_num"]
    size = config["kv_channels"]
    renamed = {
        "transformer.embedding.word_embeddings": "model.embed_tokens",
        "transformer.encoder.final_layernorm": "model.norm",
        "transformer.output_layer": "lm_head",
        "self_attention.dense": "self_attn.o_proj",
        "mlp.dense_h_to_4h": "mlp.gate_up_proj",
        "mlp.dense_4h_to_h": "mlp.down_proj",
    }
    out = {}
    for name, tensor in tensors.items():
        new = re.sub(r"^transformer\.encoder\.layers", "model.layers", name)
        if ".query_key_value." in new:
            parts = tensor.split([heads * size, groups * size, groups * size], 0)
            for letter, part in zip("qkv", parts):
                out[new.replace("self_attention.query_key_value", f"self_attn.{letter}_proj")] = part.contiguous()
            continue
        for old, fresh in renamed.items():
            new = new.replace(old, fresh)
        out[new] = tensor
    config = {
        "model_type": "glm", "architectures": ["GlmForCausalLM"], "tie_word_embeddings": False,
        "vocab_size": config["padded_vocab_size"], "hidden_size": config["hidden_size"],
        "num_hidden_layers": config["num_layers"], "num_attention_heads": heads, "num_key_value_heads": groups,
        "head_dim": size, "intermediate_size": config["ffn_hidden_size"], "rms_norm_eps": config["layernorm_epsilon"],
        "attention_bias": config["add_qkv_bias"], "max_position_embeddings": config["seq_length"], "hidden_act": "silu",
        "partial_rotary_factor": 0.5, "rope_theta": 10000.0, "pad_token_id": config.get("pad_token_id", 0),
    }
    return out, config


def main():
    source, target = map(pathlib.Path, sys.argv[1:3])
    config = json.loads((source / "config.json").read_text())
    tensors = {}
    for file in sorted(source.glob("*.safetensors")):
        tensors |= load_file(file)
    kind = baichuan if config["model_type"] == "baichuan" else chatglm
    tensors, config = kind(tensors, config)
    target.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target / "model.safetensors", {"format": "pt"})
    (target / "config.json").write_text(json.dumps(config, indent=2))


main()
