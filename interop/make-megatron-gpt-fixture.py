"""Records what ModelScope's own code computes with GPT-3 in Megatron's layout, the form of damo's models.

    pip install torch transformers six regex
    pip install --no-deps modelscope==1.9.5 addict yapf platformdirs tomli gast astor attrs einops oss2 simplejson sortedcontainers
    git clone https://github.com/NVIDIA/Megatron-LM && git -C Megatron-LM checkout abf60f757590880daa0b2e7407ddbcde713bea3b
    python make-megatron-gpt-fixture.py Megatron-LM model/src/test/resources/megatron-gpt

The model is `DistributedGPT3` of ModelScope; it loads `model/mp_rank_00_model_states.pt`, as published, beside a `config.json`
and a `configuration.json` with the fields of the published ones. Its layers come from `megatron_util`, a copy of Megatron-LM of
late 2022 that ModelScope gives out for Linux with CUDA; here they are Megatron-LM's own, of October 2022, under that name.

What runs on a CPU only with help, and what takes its place:
- the LayerNorm kernel `fused_mix_prec_layer_norm_cuda`: PyTorch's own LayerNorm, forward and backward;
- the GPU as the place of new tensors, and its random numbers: the CPU, and its;
- NCCL: gloo, with one process;
- ModelScope's pipelines, which importing its streaming of texts would load: left out.
The kernels for softmax take half precision only; in f32 Megatron itself uses its PyTorch code.

Two cases: every field that the published files leave out left out (fused GELU), and the plain GELU with another epsilon. Kept are
logits of two rows, the loss over the second and its gradients, and greedy tokens through the model's own cache.
"""
import importlib
import json
import pathlib
import shutil
import sys
import tempfile
import types

import torch
from safetensors.torch import save_file

SOURCES, TARGET = pathlib.Path(sys.argv[1], "megatron"), pathlib.Path(sys.argv[2])
SHAPE = {"attention_probs_dropout_prob": 0.1, "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 12, "initializer_range": 0.02,
         "intermediate_size": 3072, "max_position_embeddings": 24, "num_attention_heads": 3, "num_hidden_layers": 2, "type_vocab_size": 2,
         "vocab_size": 48, "fp16": False}
CASES = {"published": {}, "plain-gelu": {"bias_gelu_fusion": False, "layernorm_epsilon": 1e-2, "ffn_hidden_size": 20,
                                         "apply_query_key_layer_scaling": False}}
CONFIGURATION = {"framework": "pytorch", "task": "text-generation", "preprocessor": {"type": "text-gen-jieba-tokenizer"}, "model": {"type": "gpt3"},
                 "pipeline": {"type": "gpt3-generation"}, "megatron": {"checkpoint_tensor_model_parallel_size": 1, "world_size": 1, "tensor_model_parallel_size": 1}}
ROWS = [[5, 40, 17, 3, 3, 29, 8, 46, 0, 11, 33, 21], [7, 2, 19, 44, 30, 12, 6, 25, 38, 1, 14, 9]]
PROMPT, LENGTH = [5, 40, 17, 3, 3], 17


class Arguments(dict):
    """Megatron's arguments, which ModelScope also asks like a dictionary."""
    __getattr__ = dict.__getitem__


def package(name, folder):
    """A package whose own __init__, which would load all of Megatron, does not run."""
    module = types.ModuleType(name)
    module.__path__ = [str(folder)]
    sys.modules[name] = module
    return module


def layer_norm_kernel():
    kernel = types.ModuleType("fused_mix_prec_layer_norm_cuda")
    kernel.forward_affine = lambda x, shape, weight, bias, epsilon: torch.native_layer_norm(x, shape, weight, bias, epsilon)
    kernel.backward_affine = lambda g, mean, invvar, x, shape, weight, bias, epsilon: \
        torch.ops.aten.native_layer_norm_backward(g, x, shape, mean, invvar, weight, bias, [True, True, True])
    sys.modules[kernel.__name__] = kernel


def megatron():
    """Megatron-LM's layers under the name `megatron_util`, with one process on the CPU."""
    torch.cuda.current_device = lambda: torch.device("cpu")
    torch.cuda.get_rng_state, torch.cuda.manual_seed = torch.get_rng_state, torch.manual_seed
    torch.nn.Module.cuda = lambda self, device=None: self
    layer_norm_kernel()
    root = package("megatron", SOURCES)
    global_vars = importlib.import_module("megatron.global_vars")
    root.get_args, root.get_global_memory_buffer = global_vars.get_args, global_vars.get_global_memory_buffer
    mpu = importlib.import_module("megatron.mpu")
    importlib.import_module("megatron.mpu.random")._set_cuda_rng_state = lambda state, device=-1: torch.set_rng_state(state)
    models = package("megatron.model", SOURCES / "model")
    for file, name, as_name in (("enums", "AttnMaskType", "AttnMaskType"), ("module", "Float16Module", "Float16Module"),
                                ("fused_layer_norm", "MixedFusedLayerNorm", "LayerNorm"), ("fused_bias_gelu", "bias_gelu_impl", "bias_gelu_impl")):
        setattr(models, as_name, getattr(importlib.import_module(f"megatron.model.{file}"), name))
    importlib.import_module("megatron.model.fused_softmax")
    root.mpu = mpu

    def initialize_megatron(_):
        global_vars._GLOBAL_ARGS = Arguments(use_cpu_initialization=False, perform_initialization=True, params_dtype=torch.float32,
                                             async_tensor_model_parallel_allreduce=False, sequence_parallel=False, gradient_accumulation_fusion=False,
                                             tensor_model_parallel_size=1, pipeline_model_parallel_size=1)
        if global_vars._GLOBAL_MEMORY_BUFFER is None:
            global_vars._GLOBAL_MEMORY_BUFFER = global_vars.GlobalMemoryBuffer()
        if mpu.is_unitialized():
            rendezvous = tempfile.mkdtemp() + "/rendezvous"
            torch.distributed.init_process_group("gloo", init_method=f"file://{rendezvous}", rank=0, world_size=1)
            mpu.initialize_model_parallel(1, 1)
            mpu.get_cuda_rng_tracker().add("model-parallel-rng", 1234)

    root.initialize_megatron = initialize_megatron
    for name in list(sys.modules):
        if name == "megatron" or name.startswith("megatron."):
            sys.modules["megatron_util" + name[len("megatron"):]] = sys.modules[name]


def original():
    """ModelScope's module, without the pipelines."""
    streaming = types.ModuleType("modelscope.utils.streaming_output")
    streaming.StreamingOutputMixin = type("StreamingOutputMixin", (), {})
    sys.modules[streaming.__name__] = streaming
    return importlib.import_module("modelscope.models.nlp.gpt3.distributed_gpt3")


def record(gpt3, seed, name, fields):
    folder = TARGET / name
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "model").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(SHAPE | fields, indent=1) + "\n")
    (folder / "configuration.json").write_text(json.dumps(CONFIGURATION, indent=1) + "\n")
    weights = folder / "model/mp_rank_00_model_states.pt"
    # A model of the original's class names and shapes the weights; then it is loaded as users load it.
    importlib.import_module("megatron_util").initialize_megatron({})
    fresh = gpt3.GPT3Model(gpt3.GPT3Config.from_pretrained(folder))
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter += torch.randn_like(parameter) * 0.3
    torch.save({"module": dict(fresh.state_dict())}, weights)
    model = gpt3.DistributedGPT3(str(folder), rank=0, path_load_tag="model").eval()

    rows = torch.tensor(ROWS)
    with torch.no_grad():
        logits, _ = model.dist_model(rows)
    arrays = {"full.input_ids": rows, "full.attention_mask": torch.ones_like(rows), "full.logits": logits}
    row = rows[1:]
    _, losses = model.dist_model(row[:, :-1].contiguous(), labels=row[:, 1:].contiguous())
    loss = losses.mean()
    loss.backward()
    arrays["loss"] = loss.detach()
    arrays |= {f"grad.{n}": p.grad for n, p in model.dist_model.named_parameters()}
    tokens = model.generate(torch.tensor([PROMPT]), top_k=1, top_p=0.0, max_length=LENGTH, use_eod_token_for_early_termination=False).sequences
    arrays["prompt"], arrays["greedy"] = torch.tensor([PROMPT]), tokens
    with torch.no_grad():
        steps = model.dist_model(tokens)[0][0, len(PROMPT) - 1 : -1]
    gap = steps.topk(2).values.diff().abs().min().item()
    save_file({n: a.contiguous() for n, a in arrays.items()}, folder / "expected.safetensors")
    facts = {"modelscope": importlib.import_module("modelscope").__version__, "torch": torch.__version__}
    (folder / "expected.json").write_text(json.dumps(facts) + "\n")
    print(f"{name}: logits up to {logits.abs().max():.2f}, loss {loss:.3f}, smallest gap of a greedy step {gap:.3f}")


megatron()
gpt3 = original()
for seed, (name, fields) in enumerate(CASES.items()):
    record(gpt3, seed, name, fields)
