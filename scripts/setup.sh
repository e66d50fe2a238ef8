#!/usr/bin/env bash
# Installs what is missing, configures and builds; a second run finds everything there and builds what changed.
#
#   scripts/setup.sh [--tests] [--cuda | --no-cuda] [-DNAME=VALUE ...]      options behind go to cmake
#   scripts/setup.sh --clang      what fuzzing and ThreadSanitizer need (clang, no LibTorch); builds nothing
#   scripts/setup.sh --debian [PACKAGE ...]    the Debian packages of a build, and these; fetches and builds nothing else
#
# Debian packages come from apt (as root or through sudo; without either, the one line to run is printed). LibTorch and
# Arrow are taken from, in this order: -DTorch_DIR / -DLIBTORCH / $LIBTORCH, an installed Python torch or Arrow package,
# and else from PyPI's wheels in .venv (LibTorch without its GPU packages).
#
# --cuda: for NVIDIA's cards, too: LibTorch's GPU packages, and nvcc where the system has none. A machine with a card and
# nvcc gets it without being asked, unless with --no-cuda.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(g++ cmake ninja-build pkg-config ccache mold python3 python3-venv libfmt-dev nlohmann-json3-dev
          libcli11-dev libpcre2-dev libprotozero-dev libsentencepiece-dev libxxhash-dev libhwy-dev libutf8proc-dev
          libcurl4-openssl-dev)
tests=OFF
clang=
cuda=
if [ "${1:-}" = --clang ]; then
  clang=1
  packages+=(clang libclang-rt-dev llvm libomp-dev libgtest-dev libgmock-dev)
  shift
fi
debian=
if [ "${1:-}" = --debian ]; then
  debian=1
  shift
  packages+=("$@")
fi
if [ "${1:-}" = --tests ]; then
  tests=ON
  packages+=(libgtest-dev libgmock-dev)
  shift
fi
nvcc=$(PATH=$PATH:/usr/local/cuda/bin command -v nvcc || true)
case "${1:-}" in
  --cuda) cuda=1; shift ;;
  --no-cuda) shift ;;
  *) [ -z "$nvcc" ] || ! nvidia-smi -L > /dev/null 2>&1 || [ -n "$clang" ] || cuda=1 ;;
esac

say() { echo "== $*" >&2; }

# The last line of a set-up that fails. A step that writes no log has its messages on the screen.
step= log=
trap '[ $? = 0 ] || [ -z "$step" ] || say "set-up failed while $step; ${log:+the whole log is }${log:-the reason is above}"' EXIT

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  run=()
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2> /dev/null; then
      echo "Missing packages. Run this, then the script again:" >&2
      echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
      exit 2
    fi
    run=(sudo)
  fi
  step="installing Debian packages"
  "${run[@]}" apt-get update -qq
  # Answering no ends in an error, behind the line that is wanted.
  size=$("${run[@]}" env LC_ALL=C apt-get install --assume-no --no-install-recommends "${missing[@]}" 2> /dev/null |
    sed -n 's/^Need to get \(.*\) of archives.*/\1/p' || true)
  say "installing ${missing[*]}${size:+ ($size to fetch)}"
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi

[ -z "$debian" ] || exit 0

# Is <package> in the given Python? Looked up, not imported.
has() { "$1" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$2') is None)" 2> /dev/null; }

# Is a distribution of that name in .venv or in python3's packages?
has_package() {
  local python
  for python in .venv/bin/python python3; do
    "$python" -c "import importlib.metadata, sys; importlib.metadata.version('$1')" 2> /dev/null && return 0
  done
  return 1
}

wheels=()
libtorch_given=$(printf '%s\n' "$@" | grep -cE '^-D(Torch_DIR|LIBTORCH)=' || true)
if [ -z "$clang" ] && [ -z "${LIBTORCH:-}" ] && [ "$libtorch_given" = 0 ] && ! has .venv/bin/python torch && ! has python3 torch; then
  wheels+=(torch nvidia-cuda-runtime nvidia-cuda-cupti)
fi
requirements=(scripts/requirements.txt)
if [ -n "$cuda" ]; then
  requirements+=(scripts/requirements-cuda.txt)
  mapfile -t names < <(sed -n 's/^\(nvidia-[a-z0-9-]*\)==.*/\1/p' scripts/requirements-cuda.txt)
  for name in "${names[@]}"; do
    case $name in nvidia-cuda-nvcc | nvidia-nvvm | nvidia-cuda-crt | nvidia-cuda-cccl) [ -z "$nvcc" ] || continue ;; esac
    [ -n "${LIBTORCH:-}" ] || [ "$libtorch_given" != 0 ] || has_package "$name" || wheels+=("$name")
  done
fi
if ! pkg-config --exists arrow parquet && ! has .venv/bin/python pyarrow && ! has python3 pyarrow; then
  wheels+=(pyarrow)
fi
if [ ${#wheels[@]} -gt 0 ]; then
  step="fetching Python packages"
  mapfile -t lines < <(printf '^%s==\n' "${wheels[@]}" | grep -hf - "${requirements[@]}")
  say "fetching ${wheels[*]} into .venv (about $(printf '%s\n' "${lines[@]}" | awk '{sum += $3} END {print sum}') MB)"
  scripts/pip.sh --no-deps "${lines[@]%% *}"
fi

[ -z "$clang" ] || exit 0

# Ninja's lines, on a terminal each in the place of the one before; elsewhere a line a quarter of the way.
show_progress() {
  local line columns quarter=0 now
  columns=$(stty size <&2 2> /dev/null | cut -d' ' -f2)
  while IFS= read -r line; do
    # "Re-": ninja looks first whether cmake has to run again, and counts that by itself.
    [[ $line =~ ^\[([0-9]+)/([0-9]+)\]\ ([^R]|R[^e]) ]] || continue
    if [ -t 2 ]; then
      printf '\r\e[K%.*s' $((${columns:-80} - 1)) "$line" >&2
    else
      now=$((4 * BASH_REMATCH[1] / BASH_REMATCH[2]))
      [ "$now" -le $quarter ] || [ "$now" = 4 ] || say "built $((25 * now)) %"
      quarter=$now
    fi
  done
  [ ! -t 2 ] || printf '\r\e[K' >&2
}

say "building"
log=build.log
step="configuring"
cmake -B build -G Ninja -DGEMTUNE_TESTS=$tests ${cuda:+-DGEMTUNE_CUDA=ON} "$@" > $log 2>&1 || { cat $log >&2; exit 1; }
step="building"
if ! cmake --build build 2>&1 | tee -a $log | show_progress; then
  grep -vE '^(-- |\[[0-9]+/[0-9]+\] (Building|Linking|Re-))' $log | head -60 >&2
  exit 1
fi
rm -f $log
say "built build/gemtune${cuda:+ and build/libgemtune_cuda.so}"
