"""Records what PEFT computes with LoRA on embeddings, on heads (tied or not), and on the base of a classifier.

    pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors
    python make-adapter-fixtures.py model/src/test/resources/adapters

Writes tiny random base models, adapters as PEFT saves them, and beside each `expected.safetensors` and `expected.json`
in the layout of the recorded adapters that `check-adapters` knows: logits of padded batches, loss, gradients, AdamW steps,
greedy ids. Merged weights of a tied model are computed one by one: PEFT would add both changes to the one shared matrix.
"""
import json
import pathlib
import shutil
import sys
import warnings

import peft
import torch
import transformers
from peft import LoraConfig, TaskType, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import BloomConfig, BloomForCausalLM, LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

warnings.filterwarnings("ignore")
target = pathlib.Path(sys.argv[1])
VOCABULARY, HIDDEN = 72, 16
COMMON = dict(vocab_size=VOCABULARY, pad_token_id=0, bos_token_id=1, eos_token_id=2, initializer_range=0.25)
BASES = {
    "base-llama": lambda: LlamaForCausalLM(
        LlamaConfig(
            hidden_size=HIDDEN, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=64, tie_word_embeddings=False, **COMMON,
        )
    ),
    "base-bloom": lambda: BloomForCausalLM(BloomConfig(hidden_size=HIDDEN, n_layer=2, n_head=4, **COMMON)),
}
ADAPTERS = {
    "llama-embedding-and-head": ("base-llama", dict(target_modules=["embed_tokens", "lm_head", "q_proj"])),
    "llama-embedding-dora": ("base-llama", dict(target_modules=["embed_tokens", "lm_head"], use_dora=True)),
    "bloom-embedding-and-head": ("base-bloom", dict(target_modules=["word_embeddings", "lm_head"], use_rslora=True)),
}
torch.set_num_threads(1)


def randomize(parameters, generator, scale):
    for parameter in parameters:
        parameter.data += scale * torch.randn(parameter.shape, generator=generator)


def batches(generator):
    def row(lengths, columns, left):
        ids = torch.zeros(len(lengths), columns, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for r, n in enumerate(lengths):
            at = slice(columns - n, columns) if left else slice(0, n)
            ids[r, at] = torch.randint(8, VOCABULARY, (n,), generator=generator)
            mask[r, at] = 1
        return ids, mask

    return {
        "left": row((12, 9, 5), 12, True),
        "right": row((12, 9, 5), 12, False),
        "full": row((20,), 20, False),
        "loss": row((14, 11, 7), 14, False),
        "gen": row((9, 5), 9, True),
    }


def logits_of(model, ids, mask):
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    extra = {} if "bloom" in model.config.model_type else {"position_ids": positions}
    return model(input_ids=ids, attention_mask=mask, **extra).logits


def greedy(model, ids, mask):
    rows = []
    for r in range(len(ids)):
        row = ids[r][mask[r] == 1][None]
        for _ in range(16):
            row = torch.cat([row, model(input_ids=row).logits[:, -1].argmax(-1, keepdim=True)], 1)
        rows.append(torch.cat([torch.zeros(ids.shape[1] + 16 - row.shape[1], dtype=torch.long), row[0]]))
    return torch.stack(rows)


def named(model):
    """The trained weights by the names that PEFT's file gives them."""
    stored = get_peft_model_state_dict(model)
    found = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            plain = name.replace(".default", "").replace(".modules_to_save", "")
            key = plain if plain in stored else plain.removesuffix(".weight")
            assert key in stored, (name, list(stored))
            found[key] = parameter
    return found


def write(folder, arrays, facts):
    save_file({k: v.detach().contiguous().clone() for k, v in arrays.items()}, folder / "expected.safetensors")
    facts |= {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__}
    (folder / "expected.json").write_text(json.dumps(facts, indent=1) + "\n")


def save(model, folder, base=None):
    if folder.exists():
        shutil.rmtree(folder)
    if base:
        model.peft_config["default"].base_model_name_or_path = "../" + base
    model.save_pretrained(folder)
    for unneeded in ("README.md", "generation_config.json"):
        (folder / unneeded).unlink(missing_ok=True)


def fresh_base(name):
    torch.manual_seed(7)
    model = BASES[name]().float().eval()
    randomize([p for n, p in model.named_parameters() if p.dim() == 1], torch.Generator().manual_seed(3), 0.1)
    return model


def merged_weights(model):
    """W + s·BA of every adapted layer, as the library computes its change; DoRA by merging the layer alone."""
    arrays = {}
    for name, module in model.base_model.model.named_modules():
        if hasattr(module, "base_layer") and hasattr(module, "lora_A"):
            kept = module.base_layer.weight.data.clone()
            module.merge()
            arrays[f"merged.{name}.weight"] = module.base_layer.weight.data.clone()
            module.unmerge()
            module.base_layer.weight.data = kept
    return arrays


for name in BASES:
    save(fresh_base(name), target / name)

for name, (base, settings) in ADAPTERS.items():
    generator = torch.Generator().manual_seed(11)
    base_model = fresh_base(base)
    model = get_peft_model(base_model, LoraConfig(task_type=TaskType.CAUSAL_LM, r=3, lora_alpha=6, **settings)).eval()
    trained = named(model)
    randomize(trained.values(), generator, 0.2)
    save(model, target / name, base)
    inputs = batches(generator)
    arrays = {}
    for batch, (ids, mask) in inputs.items():
        arrays |= {f"{batch}.input_ids": ids, f"{batch}.attention_mask": mask}
    with torch.no_grad():
        for batch in ("left", "right", "full"):
            arrays[f"{batch}.logits"] = logits_of(model, *inputs[batch])
        arrays |= merged_weights(model)
        arrays["merged.full.logits"] = arrays["full.logits"]
        arrays["gen.greedy"] = greedy(model, *inputs["gen"])
    ids, mask = inputs["loss"]
    labels = ids.masked_fill(mask == 0, -100)
    for r, skipped in enumerate((5, 3, 2)):
        labels[r, :skipped] = -100
    arrays["loss.labels"] = labels
    optimizer = torch.optim.AdamW(trained.values(), lr=1e-3, weight_decay=0.01)
    losses = []
    for step in range(3):
        optimizer.zero_grad()
        loss = model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            arrays["loss.value"] = loss.reshape(1)
            arrays |= {f"grad.{k}": p.grad.clone() for k, p in trained.items()}
        optimizer.step()
    arrays |= {f"adamw.step3.{k}": p for k, p in trained.items()}
    count = sum(p.numel() for p in trained.values())
    write(target / name, arrays, {"base": base, "trainable_parameters": count, "adamw": {"loss_before_each_step": losses}})

# A reward model as trl trains it with LoRA: the decoder of a language model, a fresh head that is saved whole.
generator = torch.Generator().manual_seed(13)
scorer = LlamaForSequenceClassification.from_pretrained(target / "base-llama", num_labels=1, dtype=torch.float32).eval()
model = get_peft_model(scorer, LoraConfig(task_type=TaskType.SEQ_CLS, r=3, lora_alpha=6, target_modules=["q_proj", "v_proj"])).eval()
randomize([p for p in model.parameters() if p.requires_grad], generator, 0.2)
save(model, target / "llama-score", "base-llama")
inputs = batches(generator)
arrays = {}
with torch.no_grad():
    for batch in ("left", "right", "full"):
        ids, mask = inputs[batch]
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        scores = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits
        arrays |= {f"{batch}.input_ids": ids, f"{batch}.attention_mask": mask, f"{batch}.scores": scores}
write(target / "llama-score", arrays, {"base": "base-llama"})
