#!/usr/bin/env bash
# clang-format on every file, clang-tidy on every source (or on those given). Both report, neither changes a file.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*.h' '*.cc' | xargs clang-format --dry-run --Werror
[ -f build/compile_commands.json ] || cmake -B build -G Ninja -DGEMTUNE_TESTS=ON > /dev/null
# clang cannot read g++'s precompiled headers, nor its flags for them, and does not know each of its warnings.
mkdir -p build/tidy
sed -E 's/-include [^ ]*cmake_pch\.hxx//g; s/-Winvalid-pch//g; s/-fpch-preprocess//g; s/-Wno-maybe-uninitialized//g' build/compile_commands.json > build/tidy/compile_commands.json
sources=("$@")
[ ${#sources[@]} -gt 0 ] || mapfile -t sources < <(git ls-files 'gemtune/*.cc')
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/tidy
