#!/usr/bin/env bash
# Runs the libFuzzer targets of build-fuzz, FUZZ_SECONDS (60) each and FUZZ_JOBS (a core each) at a time; the last line
# says what came of it.
#
#   fuzz/run.sh [TARGET ...]     csv, gguf, ...; without any: all of them
#
# An input that takes 10 s or 2 GB, or ends in anything but a gemtune::Error, is a crash; it is kept in build-fuzz/crashes.
# The corpora in build-fuzz/corpus start from the small files that the tests hold and grow from run to run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
jobs=${FUZZ_JOBS:-$(nproc)}
build=build-fuzz

# Arrow's allocations through malloc, where ASan sees them; one thread, since parallel loops would only slow it down.
export ARROW_DEFAULT_MEMORY_POOL=system OMP_NUM_THREADS=1
export ASAN_OPTIONS=allocator_may_return_null=1:detect_odr_violation=0 UBSAN_OPTIONS=print_stacktrace=1

python3 fuzz/seeds.py $build/corpus $build/make_token_cache
mkdir -p $build/crashes $build/logs
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd fuzz && ls -- *_fuzz.cc | sed 's/_fuzz\.cc$//')

# One target; its line, with the processor time that it had, ends its log.
run() {
  local log=$build/logs/$1.log result=passed TIMEFORMAT='processor seconds: %U + %S'
  { time $build/"$1"_fuzz -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=262144 -print_final_stats=1 \
    -artifact_prefix=$build/crashes/"$1"- $build/corpus/"$1"; } > "$log" 2>&1 || result=CRASHED
  printf '%-18s %-7s %10d executions  %5.0f s of a core  %s\n' "$1" $result \
    "$(grep -oP 'number_of_executed_units: \K[0-9]+' "$log" || echo 0)" "$(awk '/^processor seconds:/ {print $3 + $5}' "$log")" \
    "$(grep -oP 'cov: \d+ ft: \d+' "$log" | tail -1)" | tee -a "$log"
}

for target in "${targets[@]}"; do
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
  run "$target" &
done
wait
executions=0 crashed=()
for target in "${targets[@]}"; do
  read -r _ result runs _ < <(tail -1 "$build/logs/$target.log")
  executions=$((executions + runs))
  [ "$result" = passed ] || crashed+=("$target")
done
echo "fuzz: ${#targets[@]} targets, $executions executions, ${#crashed[@]} crashes ${crashed[*]}"
[ ${#crashed[@]} = 0 ]
