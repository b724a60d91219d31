"""Does PEFT take every tensor of an adapter, and compute with it what the program that wrote it did?

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors
    python check-new-adapter.py ADAPTER

ADAPTER is a PEFT directory with ours.safetensors beside its weights: input_ids [1, t] and logits [t, vocabulary].
"""

import os
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM
import json

folder = sys.argv[1]
base = json.load(open(folder + "/adapter_config.json"))["base_model_name_or_path"]
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32, attn_implementation="eager")
    model = PeftModel.from_pretrained(model, folder).eval()
problems = [str(w.message) for w in caught if "adapter keys" in str(w.message)]
stored = load_file(folder + "/adapter_model.safetensors")
taken = get_peft_model_state_dict(model)
for key in sorted(stored.keys() ^ taken.keys()):
    # With `bias: all`, PEFT also lists the two sides of its own wrapper around modules saved whole.
    if ".modules_to_save." not in key and ".original_module." not in key:
        problems.append(("unexpected " if key in stored else "missing ") + key)
for key in sorted(stored.keys() & taken.keys()):
    if not torch.equal(stored[key], taken[key].float()):
        problems.append("other values in " + key)
ours = load_file(folder + "/ours.safetensors")
with torch.no_grad():
    logits = model(ours["input_ids"]).logits[0]
difference = (logits - ours["logits"]).abs().max().item()
if difference > 1e-4:
    problems.append(f"logits differ by up to {difference:.2e}")
if problems:
    print("\n".join(problems[:12]))
    sys.exit(1)
print(f"{len(stored)} tensors taken, logits differ by up to {difference:.1e}")
