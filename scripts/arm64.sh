#!/usr/bin/env bash
# Builds gemtune for 64-bit Arm with Debian's cross compiler, in build-arm64, and under qemu runs the tests of kernels and ops
# and a tiny training. Needs root or sudo for the compiler and qemu; the rest is unpacked into build-arm64.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$PWD/build-arm64
sysroot=$build/sysroot

packages=(g++-aarch64-linux-gnu qemu-user cmake ninja-build pkg-config python3-venv)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  root=()
  [ "$(id -u)" = 0 ] || root=(sudo)
  "${root[@]}" apt-get update -qq
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi

# The Arm packages of the same release, with all that they depend on, beside the system's own.
if [ ! -d "$sysroot" ]; then
  echo "== fetching Debian's Arm libraries and PyPI's Arm wheels" >&2
  mkdir -p "$build"/apt/{lists/partial,archives/partial}
  : > "$build/apt/status"
  apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::Lists="$build/apt/lists"
       -o Dir::State::Status="$build/apt/status" -o Dir::Cache="$build/apt" -o Debug::NoLocking=1)
  "${apt[@]}" update
  "${apt[@]}" install -y --download-only --no-install-recommends libfmt-dev nlohmann-json3-dev libcli11-dev libpcre2-dev \
    libprotozero-dev libsentencepiece-dev libxxhash-dev libhwy-dev libutf8proc-dev libcurl4-openssl-dev \
    libgtest-dev libgmock-dev > /dev/null
  # Without the C library: the compiler has its own.
  mkdir -p "$sysroot.tmp"
  for package in "$build"/apt/archives/*.deb; do
    case $(basename "$package") in libc6* | linux-libc* | libstdc++* | libgcc* | gcc-* | cpp-* | binutils*) continue ;; esac
    dpkg -x "$package" "$sysroot.tmp"
  done
  [ -x .venv/bin/python ] || python3 -m venv .venv
  mapfile -t wheels < <(sed -n 's/^\([a-z-]*==[0-9.]*\).*/\1/p' scripts/requirements.txt)
  .venv/bin/python -m pip install -q --no-deps --only-binary :all: --target "$sysroot.tmp/python" \
    $(for version in 2014 _2_17 _2_25 _2_27 _2_28 _2_34; do echo "--platform manylinux${version}_aarch64"; done) "${wheels[@]}"
  mv "$sysroot.tmp" "$sysroot"
fi

cmake -B "$build" -G Ninja -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake -DGEMTUNE_SYSROOT="$sysroot" \
  -DGEMTUNE_TESTS=ON -DLIBTORCH="$sysroot/python/torch" -DPYARROW_DIR="$sysroot/python/pyarrow" > /dev/null
cmake --build "$build" --target gemtune_kernels_tests gemtune_ops_tests gemtune gemtune_make_tiny_model

# What LibTorch reads of the machine and qemu's guest would see of the host; qemu looks for a file here first.
machine=$build/machine
rm -rf "$machine" && mkdir -p "$machine/proc"
ln -s /usr/aarch64-linux-gnu/lib "$machine/lib"
for i in 0 1; do
  printf '%s\t: %s\n' processor $i BogoMIPS 50.00 Features 'fp asimd evtstrm crc32 atomics fphp asimdhp cpuid asimdrdm asimddp' \
    'CPU implementer' 0x41 'CPU architecture' 8 'CPU variant' 0x3 'CPU part' 0xd0c 'CPU revision' 1
  echo
done > "$machine/proc/cpuinfo"
run() { qemu-aarch64 -cpu neoverse-n1 -L "$machine" "$@"; }

# Not those that start a process of their own: qemu cannot do that for its guest.
run "$build/gemtune_kernels_tests" --gtest_brief=1 --gtest_filter='-*DeathTest*'
# The compositions and a card's kernels are the same elsewhere, and slow here.
run "$build/gemtune_ops_tests" --gtest_brief=1 --gtest_filter='-*DeathTest*:*EqualsTheReference/c*:*ACard*'

echo "== a tiny training, a prediction" >&2
tiny=$build/tiny
rm -rf "$tiny" && mkdir "$tiny"
run "$build/gemtune_make_tiny_model" "$tiny/base"
for i in 1 2 3 4 5 6 7 8; do printf '{"text": "g%s", "label": "good"}\n{"text": "b%s", "label": "bad"}\n' $i $i; done > "$tiny/train.jsonl"
for method in full lora; do
  run "$build/gemtune" train --model "$tiny/base" --train-file "$tiny/train.jsonl" --output-dir "$tiny/$method" --method $method \
    --learning-rate 1e-2 --num-train-epochs 10 --no-cache
  run "$build/gemtune" evaluate --model "$tiny/$method" --test-file "$tiny/train.jsonl" --no-cache
  run "$build/gemtune" predict --model "$tiny/$method" g9
done
run "$build/gemtune" --version
