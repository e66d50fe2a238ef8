"""Writes python.safetensors and sharding.json: what the Python libraries write and how they split.

Run from this folder with torch, safetensors (0.8) and huggingface_hub (2.4): python generate_safetensors.py
"""

import json
import random

import torch
from huggingface_hub.serialization._base import split_state_dict_into_shards_factory
from safetensors.torch import save_file

TYPES = [torch.float64, torch.float32, torch.float16, torch.bfloat16]
TYPES += [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]

tensors = {str(t).removeprefix("torch."): torch.arange(6).reshape(2, 3).to(t) for t in TYPES}
tensors["scalar"] = torch.tensor(1.5)
tensors["empty"] = torch.zeros(0, 4)
tensors["ünï\"\\\n"] = torch.tensor([7], dtype=torch.int32)
save_file(tensors, "python.safetensors", metadata={"format": "pt"})

random.seed(5)
cases = []
for _ in range(12):
    sizes = [random.choice([0, 1, 5, 9, 10, 11, 25]) for _ in range(random.randint(1, 12))]
    split = split_state_dict_into_shards_factory(
        {f"t{i}": size for i, size in enumerate(sizes)},
        get_storage_size=lambda size: size,
        filename_pattern="model{suffix}.safetensors",
        max_shard_size=10,
    )
    cases.append({"sizes": sizes, "total_size": split.metadata["total_size"], "files": split.tensor_to_filename})
with open("sharding.json", "w") as file:
    json.dump(cases, file, indent=1)
