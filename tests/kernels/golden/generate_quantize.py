"""Writes quantize.bin: numbers, and the blocks that llama.cpp's own quantisers (ggml_quantize_chunk) make of them.

Run from this folder with numpy, gguf (0.19) and llama-cpp-python (0.3.36, built on x86 from its source package) installed:
python generate_quantize.py
File: int64 super-blocks, float32 [super-blocks, 256]; then records: name padded to 8 bytes, the blocks.
"""

import ctypes
import importlib.util
import pathlib

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import quantize

folder = pathlib.Path(importlib.util.find_spec("llama_cpp").origin).parent / "lib"
ggml = ctypes.CDLL(str(folder / "libggml-base.so"))
ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p]

rng = np.random.default_rng(30)
normal = rng.normal
numbers = np.concatenate([
    normal(0, 0.03, (8, 256)),                                       # as weights are
    normal(0, 1, (6, 256)) * 10.0 ** rng.integers(-6, 5, (6, 1)),
    normal(0, 1, (4, 256)) * 10.0 ** rng.integers(-9, 3, (4, 256)),  # of every size in a run
    np.abs(normal(0, 1, (2, 256))), -np.abs(normal(0, 1, (2, 256))),
    rng.standard_t(2, (2, 256)), rng.integers(-8, 8, (1, 256)),
    np.repeat(normal(0, 1, (2, 8)), 32, 1),                          # runs of one number
    np.repeat(rng.random((1, 16)) < 0.5, 16, 1) * normal(0, 1, (1, 256)),  # runs of zeros
    np.zeros((1, 256)), np.full((1, 256), -0.0), np.full((1, 256), 0.3), np.full((1, 256), -0.3),
    [np.r_[3.0, np.zeros(255)]], normal(0, 1e-16, (1, 256)), normal(0, 1e-24, (1, 256)),
]).astype(np.float32)

with open("quantize.bin", "wb") as file:
    file.write(np.array([len(numbers)], np.int64).tobytes() + numbers.tobytes())
    for name in ["Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q6_K"]:
        kind = GGMLQuantizationType[name]
        elements, size = GGML_QUANT_SIZES[kind]
        blocks = np.zeros((numbers.size // elements, size), np.uint8)
        written = ggml.ggml_quantize_chunk(kind, numbers.ctypes.data, blocks.ctypes.data, 0, len(numbers), 256, None)
        assert written == blocks.size
        if name.endswith("_0"):
            # The package's own quantisers are the same but for signs of zero and numbers below a subnormal half's d.
            count = (np.abs(numbers).max(1) > 1e-6).argmin() * 256 // elements
            assert (quantize(numbers, kind).reshape(-1, size)[:count] == blocks[:count]).all(), name
        file.write(name.encode().ljust(8, b"\0") + blocks.tobytes())
