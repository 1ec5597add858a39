"""Writes tests/fixtures/quants.json: blocks of every type that src/model/file/dtype.c reads, and their values by gguf-py.

usage: python tools/make_quants_fixture.py   (needs the packages gguf and numpy; run in the project's root)"""
import json

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

# Where the half-precision scales stand in a block.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2],
          "Q6_K": [208], "Q2_K": [80, 82], "Q3_K": [108], "IQ4_NL": [0], "IQ4_XS": [0]}


def with_scales(block, at, scales):
    block = block.copy()
    for place, scale in zip(at, scales):
        block[place:place + 2] = np.array([scale], np.float16).view(np.uint8)
    return block


def blocks(name):
    """Random bits; all bits set; zero integers; a subnormal, a negative and a large scale."""
    size = GGML_QUANT_SIZES[GGMLQuantizationType[name]][1]
    rng = np.random.default_rng(list(name.encode()))
    random = lambda: rng.integers(0, 256, size, dtype=np.uint8)
    cases = [(random(), (0.0123, 0.0456)), (random(), (-1.37, 0.21)), (random(), (5e-7, -3e-6)), (random(), (60000, 3)),
             (np.full(size, 255, np.uint8), (0.7, -0.3)), (np.zeros(size, np.uint8), (0.3, 0.9))]
    return [with_scales(b, SCALES[name], s) for b, s in cases]


def hex_of(array):
    return np.ascontiguousarray(array).tobytes().hex()


def main():
    out = {}
    for name in SCALES:
        pairs = [(b, dequantize(b[None], GGMLQuantizationType[name])[0].astype(np.float32)) for b in blocks(name)]
        out[name] = [{"block": hex_of(b), "f32": hex_of(v)} for b, v in pairs]
    halves = np.arange(0, 65536, 251, dtype=np.uint16)
    f16 = halves.view(np.float16)
    f16 = f16[np.isfinite(f16)]
    out["F16"] = [{"block": hex_of(f16), "f32": hex_of(f16.astype(np.float32))}]
    bf16 = halves[:, None].view(np.uint8)
    out["BF16"] = [{"block": hex_of(bf16), "f32": hex_of(dequantize(bf16, GGMLQuantizationType.BF16))}]
    with open("tests/fixtures/quants.json", "w", encoding="utf-8") as f:
        json.dump(out, f, indent=0)
        f.write("\n")


if __name__ == "__main__":
    main()
