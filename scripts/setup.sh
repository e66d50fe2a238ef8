#!/usr/bin/env bash
# Installs what is missing, configures and builds; a second run finds everything there and builds what changed.
#
#   scripts/setup.sh [--tests] [-DNAME=VALUE ...]      options behind go to cmake
#   scripts/setup.sh --clang      what fuzzing and ThreadSanitizer need (clang, no LibTorch); builds nothing
#
# Debian packages come from apt (as root or through sudo; without either, the one line to run is printed). LibTorch and
# Arrow are taken from, in this order: -DTorch_DIR / -DLIBTORCH / $LIBTORCH, an installed Python torch or Arrow package,
# and else from PyPI's wheels in .venv (LibTorch without its GPU packages).
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(g++ cmake ninja-build pkg-config ccache mold python3 python3-venv libfmt-dev nlohmann-json3-dev
          libcli11-dev libpcre2-dev libprotozero-dev libsentencepiece-dev libxxhash-dev libhwy-dev libutf8proc-dev)
tests=OFF
clang=
if [ "${1:-}" = --clang ]; then
  clang=1
  packages+=(clang libclang-rt-dev llvm libomp-dev libgtest-dev libgmock-dev)
  shift
fi
if [ "${1:-}" = --tests ]; then
  tests=ON
  packages+=(libgtest-dev libgmock-dev)
  shift
fi

say() { echo "== $*" >&2; }

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
  say "installing ${missing[*]}"
  "${run[@]}" apt-get update -qq
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi

# Is <package> in the given Python? Looked up, not imported.
has() { "$1" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$2') is None)" 2> /dev/null; }

wheels=()
libtorch_given=$(printf '%s\n' "$@" | grep -cE '^-D(Torch_DIR|LIBTORCH)=' || true)
if [ -z "$clang" ] && [ -z "${LIBTORCH:-}" ] && [ "$libtorch_given" = 0 ] && ! has .venv/bin/python torch && ! has python3 torch; then
  wheels+=(torch nvidia-cuda-runtime nvidia-cuda-cupti)
fi
if ! pkg-config --exists arrow parquet && ! has .venv/bin/python pyarrow && ! has python3 pyarrow; then
  wheels+=(pyarrow)
fi
if [ ${#wheels[@]} -gt 0 ]; then
  say "fetching ${wheels[*]} into .venv"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    $(printf '%s\n' "${wheels[@]}" | while read -r name; do grep -E "^$name==" scripts/requirements.txt; done)
fi

[ -z "$clang" ] || exit 0

say "building"
cmake -B build -G Ninja -DGEMTUNE_TESTS=$tests "$@" > build.log 2>&1 || { cat build.log >&2; exit 1; }
cmake --build build >> build.log 2>&1 || { grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking|Re-)' build.log | head -60 >&2; exit 1; }
rm -f build.log
say "built build/gemtune"
