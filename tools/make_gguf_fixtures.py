"""Makes tests/fixtures/gguf: tiny random models as GGUF files that mix the stored types, and what they say.

usage: python tools/make_gguf_fixtures.py [folder]      (needs make_fixtures.py's packages and gguf)

  llama.gguf, gemma3.gguf   most types that src/model/file/dtype.c reads are in one of the two
  gguf.json                 per file and parameter: its GGUF name, type and samples of its values as gguf-py dequantises
                            them, in Hugging Face's order; log-probabilities of two sequences, by `Net` in float64

gguf-py quantises to the types with blocks of 32. Of the K types, which have blocks of 256, a file gets random bits under
scales that give numbers of a usual size."""
import json
import os
import sys

import numpy as np
import torch
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize, quantize
from transformers import Gemma3TextConfig, LlamaConfig

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_fixtures as made

ROOT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(made.ROOT, "gguf")
VOCAB = made.VOCAB
IDS = dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, pad_token_id=3, max_position_embeddings=256)

# GGUF's names of a layer's parameters.
LAYER = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
         "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
         "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
LLAMA = {**LAYER, "post_attention_layernorm": "ffn_norm"}
GEMMA = {**LAYER, "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
         "post_feedforward_layernorm": "post_ffw_norm"}
TOP = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
       "lm_head.weight": "output.weight"}


def gguf_name(name, layer_names):
    if name in TOP:
        return TOP[name]
    _, _, number, rest = name.split(".", 3)
    return f"blk.{number}.{layer_names[rest.removesuffix('.weight')]}.weight"


def halves_to_pairs(w, heads):
    """Rotary rows as llama.cpp wants them: the two that turn together side by side."""
    return w.reshape(heads, 2, -1, w.shape[1]).swapaxes(1, 2).reshape(w.shape)


def pairs_to_halves(w, heads):
    return w.reshape(heads, -1, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)


K_SCALES = {"Q4_K": ((0, 1), (2, 7.5)), "Q5_K": ((0, 1), (2, 15.5)), "Q6_K": ((208, 1),)}  # (place, share)


def k_blocks(name, kind, shape, std):
    """Random blocks whose values have about that standard deviation."""
    values, size = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
    raw = made.rng("bits", name).integers(0, 256, (shape[0], shape[1] // values, size), dtype=np.uint8)

    def scaled(d):
        for place, share in K_SCALES[kind]:
            raw[:, :, place:place + 2] = np.array([d * share], np.float16).view(np.uint8)
        return raw.reshape(shape[0], -1)

    unit = dequantize(scaled(1e-3), GGMLQuantizationType[kind]).std() / 1e-3
    return scaled(std / unit)


def stored(name, kind, w):
    """The bytes of a matrix in a type, as an array that gguf-py takes, and its values in f32."""
    q = GGMLQuantizationType[kind]
    if kind in K_SCALES:
        raw = k_blocks(name, kind, w.shape, w.std())
    else:
        raw = {"F32": lambda: w, "F16": lambda: w.astype(np.float16)}.get(kind, lambda: quantize(w, q))()
    values = raw.astype(np.float32) if kind in ("F32", "F16") else dequantize(raw, q)
    return raw, values.astype(np.float32).reshape(w.shape)


def metadata(out, config):
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_key_length(config.head_dim)
    out.add_value_length(config.head_dim)
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    out.add_vocab_size(VOCAB)
    if config.model_type == "llama":
        out.add_rope_dimension_count(config.head_dim)
        out.add_rope_freq_base(config.rope_parameters["rope_theta"])
    else:
        out.add_rope_freq_base(config.rope_parameters["full_attention"]["rope_theta"])
        out.add_sliding_window(config.sliding_window)
    t = made.tokenizer()
    tokens = json.loads(t.backend_tokenizer.to_str())
    names = sorted(t.get_vocab(), key=t.get_vocab().get)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("gpt-2")
    out.add_token_list(names)
    out.add_token_types([3 if n in made.SPECIAL else 1 for n in names])
    out.add_token_merges([" ".join(m) for m in tokens["model"]["merges"]])
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_add_bos_token(False)
    out.add_chat_template(made.TEMPLATE)
    return t


def make(arch, config, types, layer_names):
    from transformers import AutoModelForCausalLM
    path = os.path.join(ROOT, arch + ".gguf")
    weights = made.draw("gguf-" + arch, AutoModelForCausalLM.from_config(config, dtype=torch.float32))
    out, values, about = GGUFWriter(path, arch), {}, {}
    t = metadata(out, config)
    for i, (name, w) in enumerate(weights.items()):
        kind = "F32" if w.ndim == 1 else next(k for part, k in types.items() if part in name)
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
        turned = heads and arch == "llama"
        in_file = halves_to_pairs(w, heads) if turned else w + 1 if arch == "gemma3" and w.ndim == 1 else w
        raw, v = stored(name, kind, np.ascontiguousarray(in_file))
        out.add_tensor(gguf_name(name, layer_names), raw, raw_dtype=GGMLQuantizationType[kind])
        # what a program holds: gains without the 1 that gemma's files have in them
        v = pairs_to_halves(v, heads) if turned else v - np.float32(1) if arch == "gemma3" and v.ndim == 1 else v
        values[name] = v
        about[name] = {"gguf_name": gguf_name(name, layer_names), "type": kind, **made.samples(name, v.astype(np.float64))}
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    net, seqs = made.Net(config, values), made.sequences(t)
    with torch.no_grad():
        logprobs = [made.digits(net.next_logprobs(s), 8) for s in seqs]
    print(arch, os.path.getsize(path), "bytes")
    return {"file": arch + ".gguf", "tensors": about, "ids": seqs, "logprobs": logprobs}


def main():
    os.makedirs(ROOT, exist_ok=True)
    llama = LlamaConfig(**IDS, hidden_size=64, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
                        head_dim=16, intermediate_size=96, tie_word_embeddings=False, rms_norm_eps=1e-5,
                        rope_parameters=dict(rope_theta=500.0, rope_type="default"))
    # heads are not width / heads; one local layer whose window cuts both sequences
    gemma = Gemma3TextConfig(**IDS, hidden_size=256, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
                             head_dim=24, intermediate_size=256, query_pre_attn_scalar=24, sliding_window=5,
                             rms_norm_eps=1e-6, tie_word_embeddings=True, layer_types=["sliding_attention"],
                             rope_parameters=dict(sliding_attention=dict(rope_theta=1e4, rope_type="default"),
                                                  full_attention=dict(rope_theta=1e6, rope_type="default")))
    made.write(os.path.join(ROOT, "gguf.json"), {
        "llama": make("llama", llama, {"embed": "Q8_0", "lm_head": "F16", "q_proj": "Q4_0", "k_proj": "Q4_1",
                                       "v_proj": "Q5_0", "o_proj": "Q5_1", "gate": "BF16", "up": "F32", "down": "Q8_0"}, LLAMA),
        "gemma3": make("gemma3", gemma, {"embed": "Q6_K", "q_proj": "Q5_K", "k_proj": "Q4_K", "v_proj": "Q6_K",
                                         "o_proj": "F16", "gate": "Q4_K", "up": "Q5_K", "down": "Q4_K"}, GEMMA)})


if __name__ == "__main__":
    main()
