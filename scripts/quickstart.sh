#!/usr/bin/env bash
# From nothing to a fine-tuned model: sets up, builds, fetches Gemma 3 270M, fine-tunes it on the IMDB sample in data/,
# measures it on reviews it has not seen, and classifies a sentence.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh
model=$(scripts/fetch_model.sh)
sample=data/imdb-sample
out=${OUTPUT_DIR:-out/quickstart}

set -x
build/gemtune train --model "$model" --train-file $sample/train.parquet --validation-file $sample/validation.parquet \
  --test-file $sample/test.parquet --num-train-epochs 1 --max-length 256 --output-dir "$out" --overwrite-output-dir
build/gemtune predict --model "$out" "A film of rare warmth, and I laughed until it hurt."
