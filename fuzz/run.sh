#!/usr/bin/env bash
# Runs the libFuzzer targets of build-fuzz one after another, FUZZ_SECONDS (60) each; the last line says what came of it.
#
#   fuzz/run.sh [TARGET ...]     csv, gguf, ...; without any: all of them
#
# An input that takes 10 s or 2 GB, or ends in anything but a gemtune::Error, is a crash; it is kept in build-fuzz/crashes.
# The corpora in build-fuzz/corpus start from the small files that the tests hold and grow from run to run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
build=build-fuzz

# Arrow's allocations through malloc, where ASan sees them; one thread, since parallel loops would only slow it down.
export ARROW_DEFAULT_MEMORY_POOL=system OMP_NUM_THREADS=1
export ASAN_OPTIONS=allocator_may_return_null=1:detect_odr_violation=0 UBSAN_OPTIONS=print_stacktrace=1

python3 fuzz/seeds.py $build/corpus $build/make_token_cache
mkdir -p $build/crashes $build/logs
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd fuzz && ls -- *_fuzz.cc | sed 's/_fuzz\.cc$//')
executions=0 crashed=()
for target in "${targets[@]}"; do
  log=$build/logs/$target.log
  result=passed
  $build/"${target}"_fuzz -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=262144 -print_final_stats=1 \
    -artifact_prefix=$build/crashes/"$target"- $build/corpus/"$target" > "$log" 2>&1 || { result=CRASHED; crashed+=("$target"); }
  runs=$(grep -oP 'number_of_executed_units: \K[0-9]+' "$log" || echo 0)
  covered=$(grep -oP 'cov: \d+ ft: \d+' "$log" | tail -1 || true)
  printf '%-18s %-7s %9d executions  %s\n' "$target" $result "$runs" "$covered"
  executions=$((executions + runs))
done
echo "fuzz: ${#targets[@]} targets, $executions executions, ${#crashed[@]} crashes ${crashed[*]}"
[ ${#crashed[@]} = 0 ]
