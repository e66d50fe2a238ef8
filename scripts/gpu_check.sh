#!/usr/bin/env bash
# All that needs a card, in three parts of a few minutes each: whether it is right, how fast the 270M is beside
# transformers and PEFT, and the larger shapes. On a machine with a card, torch 2.11.0, transformers and PEFT;
# scripts/gpu_pack.sh elsewhere first.
#
#   OUT=DIR scripts/gpu_check.sh right|fast|large|all
#
# Each part has a limit of its own and a line in the table at the end; whole logs go to $OUT. No setting of the card is
# changed.
set -uo pipefail
cd "$(dirname "$0")/.."
only=${1:-all}
OUT=${OUT:-/tmp/gpu_out}
work=/tmp/gpu_work
mkdir -p "$OUT" $work
tar -C $work -xJf .gpu/pack.tar.xz
# Tests look for their data where they were built.
was=$(cat .gpu/source_dir)
[ "$was" = "$PWD" ] || { mkdir -p "$(dirname "$was")" && ln -sfn "$PWD" "$was"; }
site=$(python3 -c "import os, torch; print(os.path.dirname(os.path.dirname(torch.__file__)))")
nvidia=$(ls -d "$site"/nvidia/*/lib 2> /dev/null | paste -sd:)
export LD_LIBRARY_PATH=$work/lib:$site/torch/lib:$nvidia PATH=$work/bin:$PATH
export HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1 TOKENIZERS_PARALLELISM=false

nvidia-smi --query-gpu=name,driver_version,clocks.sm,memory.used --format=csv,noheader | tee "$OUT/card.txt"
python3 -c "import torch; print('torch', torch.__version__, 'CUDA', torch.version.cuda)" | tee -a "$OUT/card.txt"
if ldd $work/bin/gemtune $work/bin/libgemtune_cuda.so | grep 'not found'; then exit 1; fi
gemtune inspect --device cuda | tee -a "$OUT/card.txt" || exit 1

rows=()
part() { # name, seconds, command...
  local name=$1 limit=$2 begin=$SECONDS
  shift 2
  timeout "$limit" "$@" > "$OUT/$name.log" 2>&1
  local rc=$?
  rows+=("$(printf '%-14s rc %3d  %4d s  %s' "$name" $rc $((SECONDS - begin)) "$(grep -v '^$' "$OUT/$name.log" | tail -1 | cut -c1-110)")")
  echo "${rows[-1]}"
}

wanted() { [ "$only" = "$1" ] || [ "$only" = all ]; }
compare() { # model, row, further options of compare.py
  local model=$1 row=$2
  shift 2
  python3 bench/compare.py --device cuda --gemtune $work/bin/gemtune --hf-model "$work/$model" \
    --train-file data/imdb-sample/train.parquet --rounds 1 --steps 12 --rows "$row" --output "$OUT/$model-$row.json" "$@"
}
export -f compare
export work OUT

if wanted right; then
  # Every op against its composition in double, every task and method against the processor.
  GEMTUNE_TEST_DEVICE=cuda part ops 90 gemtune_ops_tests --gtest_brief=1 --gtest_filter='*cuda*'
  GEMTUNE_TEST_DEVICE=cuda part train 120 gemtune_train_tests --gtest_brief=1 --gtest_filter='*CardDoes*'
  part parity 120 python3 bench/gpu_parity.py --gemtune $work/bin/gemtune --make-model $work/bin/gemtune_make_tiny_model
  if command -v compute-sanitizer > /dev/null; then
    for tool in memcheck racecheck; do
      GEMTUNE_TEST_DEVICE=cuda part $tool 90 compute-sanitizer --tool $tool --error-exitcode 9 gemtune_ops_tests --gtest_brief=1 \
        --gtest_filter='RmsNorm/*cuda*:AddRmsNorm/*cuda*:QkvAttention/*cuda_bf16:GeGluLinear/*cuda*:*AdamWStep/*cuda*:ScaledEmbedding/*cuda*'
    done
  fi
fi
if wanted fast; then
  part model 60 python3 bench/gpu_model.py 270m $work/tokenizer $work/270m
  for row in full-bf16 full-bf16-64 lora-64 sft-64 sft-lora-64; do
    part $row 100 bash -c "compare 270m $row"
  done
  part sft_packed 60 gemtune bench --device cuda --model $work/270m --task sft --train-file data/gsm8k-sample/train.jsonl \
    --prompt-column question --completion-column answer --packing --max-tokens-per-batch 16384 --steps 8 --no-cache
  part parts 40 gemtune bench --device cuda --model $work/270m --train-file data/imdb-sample/train.parquet --times-parts --steps 8 --no-cache
  part plan 40 gemtune train --device cuda --model $work/270m --train-file data/imdb-sample/train.parquet --dry-run --no-cache
  GEMTUNE_BIN=$work/bin/gemtune part generate 90 python3 bench/generate.py --device cuda --hf-model $work/270m --prompts 64 --rounds 1
fi
if wanted large; then
  for shape in 1b 4b; do
    part model_$shape 120 python3 bench/gpu_model.py $shape $work/tokenizer $work/$shape
    part sft_lora_$shape 150 bash -c "compare $shape sft-lora --steps 6"
    rm -rf "${work:?}/$shape"
  done
fi
printf '%s\n' "${rows[@]}" | tee "$OUT/table-$only.txt"
echo "$SECONDS s"
! printf '%s\n' "${rows[@]}" | grep -vq ' rc   0 '
