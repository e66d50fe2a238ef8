#!/usr/bin/env bash
# Packs what a machine with a card needs to check this working tree into .gpu/ (git does not see it). Needs no card.
#
#   scripts/gpu_pack.sh [TOKENIZER]      TOKENIZER: a folder with Gemma 3's tokenizer.json and tokenizer_config.json, for
#                                        speed at the real sizes; also as .xz
#
# Builds against torch 2.11.0 in build-gpu, for that machine has it: NVIDIA's libraries and LibTorch's are its own, those of
# Debian and Arrow go along. Then, there: scripts/gpu_check.sh, with .gpu carried.
set -euo pipefail
cd "$(dirname "$0")/.."
out=.gpu build=build-gpu venv=.venv-gpu
exclude=$(git rev-parse --git-path info/exclude)
for name in $out $build $venv; do grep -qxF "/$name/" "$exclude" 2> /dev/null || echo "/$name/" >> "$exclude"; done

[ -x $venv/bin/python ] || python3 -m venv $venv
$venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
  torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85 pyarrow==26.0.1
site=$(echo $PWD/$venv/lib/python3*/site-packages)
GEMTUNE_PYTHON=$venv/bin/python cmake -B $build -G Ninja -DLIBTORCH="$site/torch" -DGEMTUNE_CUDA=ON \
  -DGEMTUNE_CUDA_ARCHITECTURES=90-real -DGEMTUNE_TESTS=ON > $build.log 2>&1 || { cat $build.log >&2; exit 1; }
targets=(gemtune gemtune_cuda gemtune_ops_tests gemtune_model_tests gemtune_infer_tests gemtune_train_tests gemtune_make_tiny_model)
cmake --build $build --target "${targets[@]}" >> $build.log 2>&1 || { tail -30 $build.log >&2; exit 1; }

rm -rf $out
mkdir -p $out
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage"/{bin,lib,tokenizer}
for target in "${targets[@]}"; do
  [ "$target" = gemtune_cuda ] || strip -o "$stage/bin/$target" "$build/$target"
done
strip --strip-unneeded -o "$stage/bin/libgemtune_cuda.so" "$build/libgemtune_cuda.so"
# Every library that a program loads but glibc's, libstdc++'s, LibTorch's and NVIDIA's.
for target in "$stage"/bin/gemtune*; do ldd "$build/$(basename "$target")"; done | awk '/=> \//{print $3}' | sort -u |
  grep -vE '/(ld-linux|lib(c|m|dl|rt|util|pthread|gcc_s|stdc\+\+|gomp|torch[a-z_]*|c10[a-z_]*|cu[A-Za-z]+|nv[A-Za-z_]+|nccl)\.so)' |
  while read -r library; do
    strip --strip-unneeded -o "$stage/lib/$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" "$library"
  done
for name in tokenizer.json tokenizer_config.json; do
  if [ -f "${1:-}/$name" ]; then cp "$1/$name" "$stage/tokenizer/"; elif [ -f "${1:-}/$name.xz" ]; then xz -dc "$1/$name.xz" > "$stage/tokenizer/$name"; fi
done
tar -C "$stage" -cJf $out/pack.tar.xz .
pwd > $out/source_dir
total=$(($(du -sb $out | cut -f1) + $(git ls-files -z --cached --others --exclude-standard | xargs -0 -r du -cb | tail -1 | cut -f1)))
echo "$out holds $(du -sh $out | cut -f1); with the working tree $((total / 1000000)) MB travel, 67 may" >&2
[ "$total" -lt $((64 << 20)) ]
