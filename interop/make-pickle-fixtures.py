#!/usr/bin/env python3
"""Writes model/src/test/resources/pickle: files of torch.save that must be read, and malicious ones that must be refused.

    pip install torch            # any version from 1.6 on
    python interop/make-pickle-fixtures.py

Element j of the i-th tensor of a file is ((7 j + 13 i) mod 32 - 16) / 16, which every floating type holds exactly.
"""
import argparse
import json
import pathlib
import zipfile
from collections import OrderedDict

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent / "model/src/test/resources/pickle"


def values(i, *shape, dtype=torch.float32):
    count = int(torch.Size(shape).numel())
    return ((torch.arange(count) * 7 + 13 * i) % 32 - 16).div(16).reshape(shape).to(dtype)


def plain():
    """One of everything that a state dict may hold."""
    d = OrderedDict()
    d["f32"] = values(0, 2, 3)
    d["bf16"] = values(1, 4, dtype=torch.bfloat16)
    d["f16"] = values(2, 3, 2, dtype=torch.float16)
    d["f64"] = values(3, 5, dtype=torch.float64)
    d["i64"] = torch.tensor([1, -2, 3])
    d["bool"] = torch.tensor([True, False])
    d["parameter"] = torch.nn.Parameter(values(6, 2, 2))
    d["transposed"] = values(7, 2, 3).t()
    d["slice"] = values(8, 6, 2)[2:4]
    d["scalar"] = values(9)
    d["empty"] = torch.zeros(0, 4)
    d["tied"] = d["f32"]
    d._metadata = OrderedDict({"": {"version": 1}})
    torch.save(d, ROOT / "plain.bin")


def tiny_llama():
    """A whole model in two shards."""
    folder = ROOT / "tiny-llama"
    folder.mkdir(exist_ok=True)
    shapes = {"model.embed_tokens.weight": (16, 8), "model.layers.0.input_layernorm.weight": (8,), "model.layers.0.self_attn.q_proj.weight": (8, 8),
              "model.layers.0.self_attn.k_proj.weight": (4, 8), "model.layers.0.self_attn.v_proj.weight": (4, 8), "model.layers.0.self_attn.o_proj.weight": (8, 8),
              "model.layers.0.post_attention_layernorm.weight": (8,), "model.layers.0.mlp.gate_proj.weight": (12, 8), "model.layers.0.mlp.up_proj.weight": (12, 8),
              "model.layers.0.mlp.down_proj.weight": (8, 12), "model.norm.weight": (8,), "lm_head.weight": (16, 8)}
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 16, "hidden_size": 8, "num_attention_heads": 2, "num_key_value_heads": 1,
              "num_hidden_layers": 1, "intermediate_size": 12, "rms_norm_eps": 1e-6, "max_position_embeddings": 64, "tie_word_embeddings": False, "torch_dtype": "float16"}
    names = list(shapes)
    where = {}
    for shard, part in enumerate((names[:6], names[6:]), 1):
        file = f"pytorch_model-{shard:05d}-of-00002.bin"
        torch.save(OrderedDict((n, values(names.index(n), *shapes[n], dtype=torch.float16)) for n in part), folder / file)
        where |= {n: file for n in part}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}, indent=1))
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def tiny_lora():
    """An adapter to tiny-llama as PEFT's versions before safetensors left it."""
    folder = ROOT / "tiny-lora"
    folder.mkdir(exist_ok=True)
    module = "base_model.model.model.layers.0.self_attn.q_proj"
    torch.save({f"{module}.lora_A.weight": values(0, 2, 8), f"{module}.lora_B.weight": values(1, 8, 2)}, folder / "adapter_model.bin")
    config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "../tiny-llama", "r": 2, "lora_alpha": 2, "lora_dropout": 0.0, "bias": "none",
              "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True, "modules_to_save": None, "target_modules": ["q_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1))


def megatron():
    """A ModelScope directory of a GPT-3 in Megatron's layout, as Megatron nests it, with the options it saves beside."""
    folder = ROOT / "megatron"
    (folder / "model").mkdir(parents=True, exist_ok=True)
    layer = {"input_layernorm": (8, 8), "self_attention.query_key_value": (24, 8), "self_attention.dense": (8, 8), "post_attention_layernorm": (8, 8), "mlp.dense_h_to_4h": (32, 8),
             "mlp.dense_4h_to_h": (8, 32)}
    encoder, i = OrderedDict(), 2
    for name, (out, inner) in layer.items():
        norm = "layernorm" in name
        encoder[f"layers.0.{name}.weight"] = values(i, out) if norm else values(i, out, inner)
        encoder[f"layers.0.{name}.bias"] = values(i + 1, out)
        i += 2
    encoder["final_layernorm.weight"], encoder["final_layernorm.bias"] = values(i, 8), values(i + 1, 8)
    embedding = {"word_embeddings": OrderedDict(weight=values(0, 16, 8)), "position_embeddings": OrderedDict(weight=values(1, 10, 8))}
    checkpoint = {"args": argparse.Namespace(num_layers=1, fp16=True), "checkpoint_version": 3.0, "iteration": 10,
                  "module": {"language_model": {"embedding": embedding, "encoder": encoder}}, "rng_state": torch.zeros(4, dtype=torch.uint8), "shapes": torch.Size([1, 2])}
    torch.save(checkpoint, folder / "model/mp_rank_00_model_states.pt")
    model = {"type": "gpt3", "vocab_size": 16, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 10, "layernorm_epsilon": 1e-5, "eod_id": 7}
    (folder / "configuration.json").write_text(json.dumps({"framework": "pytorch", "task": "text-generation", "model": model}, indent=1))


class Call:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def malicious():
    """Each would write the file PWNED into the working directory if it were run."""
    import os
    import pickle
    shell = Call(os.system, "touch PWNED")
    contents = {
        "os-system": pickle.dumps({"w": shell}, 2),
        "os-system-protocol-4": pickle.dumps({"w": shell}, 4),
        "eval": pickle.dumps({"w": Call(eval, "open('PWNED', 'w')")}, 2),
        "in-metadata": b"\x80\x02ccollections\nOrderedDict\n)R}X\x09\x00\x00\x00_metadatacposix\nsystem\nX\x0b\x00\x00\x00touch PWNED\x85Rsb.",
        "getattr": b"\x80\x02c__builtin__\ngetattr\nctorch\nload\nX\x08\x00\x00\x00__call__\x86R.",
        "torch-load": b"\x80\x02ctorch.serialization\nload\nX\x05\x00\x00\x00PWNED\x85R.",
        "instance": b"(S'touch PWNED'\nios\nsystem\n.",
        "object": b"(cos\nsystem\nX\x0b\x00\x00\x00touch PWNEDo.",
        "extension": b"\x80\x02\x82\x01.",
    }
    for name, data in contents.items():
        with zipfile.ZipFile(ROOT / f"malicious-{name}.bin", "w", zipfile.ZIP_STORED) as z:
            for entry, content in (("archive/data.pkl", data), ("archive/version", b"3\n")):
                z.writestr(zipfile.ZipInfo(entry, (2026, 1, 1, 0, 0, 0)), content)


ROOT.mkdir(parents=True, exist_ok=True)
plain()
tiny_llama()
tiny_lora()
megatron()
malicious()
print("written to", ROOT)
