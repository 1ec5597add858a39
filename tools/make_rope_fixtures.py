"""Makes tests/fixtures/ropes.json: rotary tables of every kind of scaling, as transformers' own modules have them.

usage: python tools/make_rope_fixtures.py [file]      (needs torch, transformers)

cases: name, config (a config.json), positions, cos and sin: [position][rotary dimensions / 2], the factor on both multiplied in. The positions
go beyond the original context, but for longrope's, whose factors for longer texts are others."""
import json
import os
import sys

import torch
from transformers import LlamaConfig, Phi3Config, Qwen2Config
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.phi3.modeling_phi3 import Phi3RotaryEmbedding
from transformers.models.qwen2.modeling_qwen2 import Qwen2RotaryEmbedding

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "fixtures")
PATH = sys.argv[1] if len(sys.argv) > 1 else os.path.join(FIXTURES, "ropes.json")
SIZES = dict(vocab_size=64, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, intermediate_size=16,
             max_position_embeddings=256, bos_token_id=1, eos_token_id=2)
POSITIONS = [0, 1, 2, 7, 31, 63, 64, 100, 255]
KEPT = {"architectures", "model_type", "head_dim", "rms_norm_eps", "rope_parameters", "rope_theta", "hidden_act", "tie_word_embeddings",
        "original_max_position_embeddings", "sliding_window", *SIZES}
YARN = dict(rope_theta=1e4, rope_type="yarn", factor=4.0, original_max_position_embeddings=64)
LONG = dict(rope_theta=1e4, rope_type="longrope", short_factor=[1.0, 1.1, 1.3, 1.7, 2.5, 4.1], long_factor=[1.0, 2.0, 4.0, 8.0, 9.0, 10.0],
            partial_rotary_factor=0.75)
LLAMA, QWEN2, PHI3 = (LlamaConfig, LlamaRotaryEmbedding), (Qwen2Config, Qwen2RotaryEmbedding), (Phi3Config, Phi3RotaryEmbedding)
CASES = [
    ("plain", LLAMA, dict(rope_theta=1e4, rope_type="default")),
    ("linear", LLAMA, dict(rope_theta=1e4, rope_type="linear", factor=4.0)),
    ("llama3", LLAMA, dict(rope_theta=5e5, rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                           original_max_position_embeddings=64)),
    ("yarn", QWEN2, YARN),
    ("yarn, other bounds", QWEN2, dict(YARN, beta_fast=8.0, beta_slow=2.0)),
    ("yarn, its own factor", QWEN2, dict(YARN, attention_factor=1.25)),
    ("yarn, sizes", QWEN2, dict(YARN, mscale=0.7, mscale_all_dim=0.4)),
    ("longrope", PHI3, LONG),
    ("longrope, its own factor", PHI3, dict(LONG, attention_factor=1.5)),
]


def main():
    cases = []
    for name, (config_class, module), rope in CASES:
        more = dict(original_max_position_embeddings=64, pad_token_id=0) if rope["rope_type"] == "longrope" else {}
        config = config_class(**SIZES, **more, rope_parameters=dict(rope))
        positions = [p for p in POSITIONS if not more or p < 64]
        cos, sin = module(config)(torch.zeros(1), torch.tensor([positions]))
        half = cos.shape[-1] // 2
        written = {key: value for key, value in config.to_dict().items() if key in KEPT}
        cases.append({"name": name, "config": written, "positions": positions,
                      "cos": cos[0, :, :half].tolist(), "sin": sin[0, :, :half].tolist()})
        print(name, half, cos.abs().max().item())
    with open(PATH, "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
