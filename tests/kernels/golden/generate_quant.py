"""Writes quant.bin: random blocks of every storage type and what gguf.quants.dequantize makes of them;
and q8_0.bin: numbers, and the Q8_0 blocks that gguf.quants.quantize makes of them.

Run from this folder with numpy and gguf (0.19) installed: python generate_quant.py
Records: name padded to 8 bytes, int64 elements, int64 bytes, the blocks, float32 [elements], bfloat16 [elements].
q8_0.bin: int64 blocks, float32 [blocks, 32], the blocks.
"""

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize, quantize

TYPES = ["F32", "F16", "BF16", "Q4_0", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
# Where in a block the half-precision scales are; random bytes there could be NaN.
HALVES = {"Q4_0": [0], "Q5_0": [0], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}

rng = np.random.default_rng(20)


def finite(bits, exponent_mask):
    """Bits of NaN and infinity give way to zero."""
    return np.where((bits & exponent_mask) == exponent_mask, 0, bits).astype(bits.dtype)


def plain(name):
    if name == "F32":
        values = finite(rng.integers(0, 2**32, 60, dtype=np.uint32), 0x7F800000)
        special = [0x3F808000, 0x3F818000, 0x80000001, 0x7F7FFFFF]  # two ties, a subnormal, the largest
        return np.concatenate([values, np.array(special, np.uint32)]).view(np.uint8)
    values = finite(rng.integers(0, 2**16, 58, dtype=np.uint16), 0x7C00 if name == "F16" else 0x7F80)
    infinity = 0x7C00 if name == "F16" else 0x7F80
    special = [0, 0x8000, 1, 0x83FF, infinity, 0x8000 | infinity]
    return np.concatenate([values, np.array(special, np.uint16)]).view(np.uint8)


def blocks(name, count):
    _, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    out = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in HALVES[name]:
        out[:, at : at + 2] = rng.normal(0, 0.02, (count, 1)).astype(np.float16).view(np.uint8)
    out[0, HALVES[name][0] : HALVES[name][0] + 2] = np.array([0x8155], np.uint16).view(np.uint8)  # subnormal
    return out.reshape(-1)


with open("quant.bin", "wb") as file:
    for name in TYPES:
        kind = GGMLQuantizationType[name]
        data = plain(name) if name in ("F32", "F16", "BF16") else blocks(name, 5)
        floats = dequantize(data, kind)
        bfloats = quantize(floats, GGMLQuantizationType.BF16)
        file.write(name.encode().ljust(8, b"\0") + np.array([floats.size, data.size], np.int64).tobytes())
        file.write(data.tobytes() + floats.tobytes() + bfloats.tobytes())

halves = (np.arange(32, dtype=np.float32) - 16) / 2  # with 127 in the block d is 1: every other one is a tie
halves[0] = 127
numbers = np.concatenate([
    rng.normal(0, 1, (40, 32)) * 10.0 ** rng.integers(-6, 5, (40, 1)),
    rng.standard_t(2, (20, 32)),
    [halves, -halves, np.full(32, 0.1), np.zeros(32), np.full(32, -0.0)],
    rng.normal(0, 3e-8, (2, 32)), rng.normal(0, 1e-9, (1, 32)),  # scales that are subnormal halves, and zero
    np.eye(1, 32) * 127 * 65504, [np.r_[127, np.nextafter(halves[1:], np.float32(end))] for end in (0, 127)],
]).astype(np.float32)
with open("q8_0.bin", "wb") as file:
    file.write(np.array([len(numbers)], np.int64).tobytes() + numbers.tobytes())
    file.write(quantize(numbers, GGMLQuantizationType.Q8_0).tobytes())
