"""Records what transformers computes with RoBERTa and XLM-RoBERTa encoders.

    pip install torch transformers safetensors
    python make-roberta-fixture.py model/src/test/resources/roberta

Small models with random weights, each in a directory as transformers saves it: the bare encoders with their pooler, and a
masked language model, whose names begin with `roberta.` and which has a head but no pooler. Kept beside each, in
`expected.safetensors`: three texts of different lengths in one padded batch, padded on the right and on the left, with all
hidden states, and the means over the texts' own tokens.
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import RobertaConfig, RobertaForMaskedLM, RobertaModel, XLMRobertaConfig, XLMRobertaModel

target = pathlib.Path(sys.argv[1])
shape = dict(vocab_size=48, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24, max_position_embeddings=20,
             type_vocab_size=1, pad_token_id=1, bos_token_id=0, eos_token_id=2, attn_implementation="eager")
# As published: RoBERTa's and XLM-RoBERTa's configs differ in layer_norm_eps from BERT's 1e-12.
cases = {"encoder": (RobertaModel, RobertaConfig(layer_norm_eps=1e-5, **shape)),
         "masked-lm": (RobertaForMaskedLM, RobertaConfig(layer_norm_eps=1e-5, **shape)),
         "xlm-encoder": (XLMRobertaModel, XLMRobertaConfig(layer_norm_eps=1e-5, **shape))}
# The longest text fills all 18 places: the first two rows of the 20 belong to padding and to nothing.
texts = [[0] + [3 + 7 * i % 45 for i in range(16)] + [2], [0, 30, 4, 17, 2], [0, 2]]


def batch(left):
    """The texts with padding, and which tokens are real."""
    width = max(map(len, texts))
    pads = [[1] * (width - len(text)) for text in texts]
    ids = torch.tensor([pad + text if left else text + pad for text, pad in zip(texts, pads)])
    return ids, (ids != 1).long()


def record(seed, name, model_class, config):
    torch.manual_seed(seed)
    model = model_class(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Larger than at the start of training, and nothing zero: each bias, scale and type counts.
            parameter += torch.randn_like(parameter) * 0.2
    encoder = getattr(model, "roberta", model)
    arrays = {}
    for side, left in (("right", False), ("left", True)):
        ids, mask = batch(left)
        with torch.no_grad():
            states = encoder(ids, attention_mask=mask, output_hidden_states=True).hidden_states
        weights = mask.unsqueeze(-1).float()
        first = mask.argmax(1)
        arrays |= {f"{side}.input_ids": ids, f"{side}.attention_mask": mask}
        arrays |= {f"{side}.hidden.{i}": state for i, state in enumerate(states)}
        arrays[f"{side}.pool.mean"] = (states[-1] * weights).sum(1) / weights.sum(1)
        arrays[f"{side}.pool.cls"] = states[-1][torch.arange(len(texts)), first]
    folder = target / name
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    save_file({key: value.contiguous() for key, value in arrays.items()}, folder / "expected.safetensors")
    facts = {"transformers": transformers.__version__, "torch": torch.__version__, "class": model_class.__name__}
    (folder / "expected.json").write_text(json.dumps(facts) + "\n")


for seed, (name, (model_class, config)) in enumerate(cases.items()):
    record(seed, name, model_class, config)
