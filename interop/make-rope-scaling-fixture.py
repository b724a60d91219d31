"""Records what transformers computes with linearly and dynamically scaled rotary positions.

    pip install torch transformers safetensors
    python make-rope-scaling-fixture.py GOLDEN/llama-gqa model/src/test/resources/rope-scaling.json

The weights are those of the recorded model; only the scaling changes, and the row is longer than `max_position_embeddings`,
so that dynamic scaling takes effect. Kept: the largest-magnitude part of it, the logits behind the last token.
"""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

source, target = map(pathlib.Path, sys.argv[1:3])
ids = load_file(source / "expected.safetensors")["full.input_ids"]
fields = json.loads((source / "config.json").read_text())
cases = {}
for kind, factor in (("linear", 2.0), ("linear", 4.0), ("dynamic", 2.0), ("dynamic", 4.0)):
    scaling = {"rope_type": kind, "type": kind, "factor": factor}
    config = LlamaConfig(**(fields | {"max_position_embeddings": 8, "rope_scaling": scaling}))
    model = LlamaForCausalLM.from_pretrained(source, config=config, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        logits = model(ids).logits[0, -1]
    cases[f"{kind} {factor:g}"] = {"rope_scaling": scaling, "logits": [round(v, 6) for v in logits.tolist()]}
facts = {"transformers": transformers.__version__, "max_position_embeddings": 8, "cases": cases}
target.write_text(json.dumps(facts) + "\n")
