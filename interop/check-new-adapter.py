"""Does PEFT take every tensor of an adapter, and compute with it what was computed or recorded elsewhere?

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors
    python check-new-adapter.py ADAPTER [RECORDED]

ADAPTER is a PEFT directory with ours.safetensors beside its weights: input_ids [1, t] and logits [t, vocabulary]. With
RECORDED, a folder of make-adapter-fixtures.py, its full.input_ids and full.logits or full.scores are compared instead, and its
base model is the one that is named beside it.
"""

import json
import os
import pathlib
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

folder = pathlib.Path(sys.argv[1])
settings = json.loads((folder / "adapter_config.json").read_text())
base = settings["base_model_name_or_path"]
if len(sys.argv) > 2:
    recorded = pathlib.Path(sys.argv[2])
    base = str(recorded / base)
    arrays = load_file(recorded / "expected.safetensors")
    arrays = {"input_ids": arrays["full.input_ids"], "logits": arrays.get("full.logits", arrays.get("full.scores"))[0]}
else:
    arrays = load_file(folder / "ours.safetensors")
scores = settings["task_type"] == "SEQ_CLS"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    kind, extra = (AutoModelForSequenceClassification, {"num_labels": 1}) if scores else (AutoModelForCausalLM, {})
    model = kind.from_pretrained(base, dtype=torch.float32, attn_implementation="eager", **extra)
    model = PeftModel.from_pretrained(model, str(folder)).eval()
problems = [str(w.message) for w in caught if "adapter keys" in str(w.message)]
stored = load_file(folder / "adapter_model.safetensors")
taken = get_peft_model_state_dict(model, save_embedding_layers=False)
for key in sorted(stored.keys() ^ taken.keys()):
    # With `bias: all`, PEFT also lists the two sides of its own wrapper around modules saved whole.
    if ".modules_to_save." not in key and ".original_module." not in key:
        problems.append(("unexpected " if key in stored else "missing ") + key)
for key in sorted(stored.keys() & taken.keys()):
    if not torch.equal(stored[key], taken[key].float()):
        problems.append("other values in " + key)
with torch.no_grad():
    logits = model(arrays["input_ids"]).logits[0]
difference = (logits - arrays["logits"]).abs().max().item()
if difference > 1e-4:
    problems.append(f"logits differ by up to {difference:.2e}")
if problems:
    print("\n".join(problems[:12]))
    sys.exit(1)
print(f"{len(stored)} tensors taken, {'scores' if scores else 'logits'} differ by up to {difference:.1e}")
