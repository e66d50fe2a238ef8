#!/usr/bin/env bash
# clang-format on every file, clang-tidy on every source (or on those given). Both report, neither changes a file.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*.h' '*.cc' | xargs clang-format --dry-run --Werror
# Each file by itself. clang cannot read g++'s precompiled headers, nor its flags for them, and does not know each of its
# warnings.
cmake -B build/tidy -G Ninja -DGEMTUNE_TESTS=ON -DCMAKE_UNITY_BUILD=OFF > /dev/null
sed -i -E 's/-include [^ ]*cmake_pch\.hxx//g; s/-Winvalid-pch//g; s/-fpch-preprocess//g; s/-Wno-maybe-uninitialized//g' build/tidy/compile_commands.json
sources=("$@")
[ ${#sources[@]} -gt 0 ] || mapfile -t sources < <(git ls-files 'gemtune/*.cc')
printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/tidy
