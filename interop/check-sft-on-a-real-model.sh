#!/usr/bin/env bash
# A few fine-tuning steps on a real model, saved, loaded by transformers: no missing key, equal log-probabilities.
#
#   interop/check-sft-on-a-real-model.sh MODEL_DIR DATASET CHECKER [PYTHON]
#
# MODEL_DIR: a Hugging Face directory (SmolLM2-135M-Instruct); DATASET: an alpaca or sharegpt file;
# CHECKER: check_hf_dir.py; PYTHON has it: pip install torch==2.15.0 transformers==5.23.0 peft==0.21.2 safetensors==0.8.0
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,8p' "$0"; exit 2; }
model=$1 dataset=$2 checker=$3 python=${4:-python3}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cat >"$work/sft.yaml" <<YAML
stage: sft
model_name_or_path: $model
dataset: $dataset
output_dir: $work/sft
cutoff_len: 128
max_samples: 40
per_device_train_batch_size: 4
max_steps: 5
learning_rate: 1e-5
lr_scheduler_type: constant
logging_steps: 1
save_steps: 0
YAML
printf '%s\n' '{"text":"The capital of France is Paris, and"}' '{"text":"你好，我是一个人工智能助手 😀"}' >"$work/rows.jsonl"
"$here/lingyu" train "$work/sft.yaml"
"$here/lingyu" score --model "$work/sft" --input "$work/rows.jsonl" --output "$work/ours.jsonl"
HF_HUB_OFFLINE=1 "$python" "$checker" "$work/sft" --logits-of "$work/rows.jsonl" --output "$work/theirs.jsonl" \
  --against "$work/ours.jsonl"
