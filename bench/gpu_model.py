"""A Gemma 3 of a published shape with random weights: speed does not depend on them, and a checkpoint is too large to travel.

    python bench/gpu_model.py 270m|1b|4b TOKENIZER DIR
"""
import pathlib
import shutil
import sys

import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

SHAPES = {
    "270m": dict(hidden_size=640, intermediate_size=2048, num_hidden_layers=18, num_attention_heads=4, num_key_value_heads=1, sliding_window=512),
    "1b": dict(hidden_size=1152, intermediate_size=6912, num_hidden_layers=26, num_attention_heads=4, num_key_value_heads=1, sliding_window=512),
    "4b": dict(hidden_size=2560, intermediate_size=10240, num_hidden_layers=34, num_attention_heads=8, num_key_value_heads=4, sliding_window=1024),
}


def main():
    name, tokenizer, target = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    shape = SHAPES[name]
    layers = ["full_attention" if i % 6 == 5 else "sliding_attention" for i in range(shape["num_hidden_layers"])]
    torch.manual_seed(0)
    config = Gemma3TextConfig(vocab_size=262144, head_dim=256, max_position_embeddings=32768, layer_types=layers, **shape)
    Gemma3ForCausalLM(config).to(torch.bfloat16).save_pretrained(target)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / file, target / file)


if __name__ == "__main__":
    main()
