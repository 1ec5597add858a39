"""Makes tests/fixtures/classifiers: tiny random reward models of every family as transformers writes and reads them.

usage: python tools/make_classifier_fixtures.py [folder]      (needs torch, transformers, tokenizers, safetensors)

  FAMILY/config.json, model.safetensors   a ...ForSequenceClassification of one label, in bfloat16
  FAMILY/chat_template.jinja              what it reads rows through; the tokenizer of all is tiny-llama's
  scores.json                             rows, and per family the score that transformers gives each: the conversation through
                                          apply_chat_template without a generation prompt, in float32

Classes read the last token that is not config.pad_token_id: of some the template ends in just that token."""
import json
import os
import sys
import zlib

import torch
from transformers import (Gemma2Config, Gemma2ForSequenceClassification, Gemma3TextConfig, Gemma3TextForSequenceClassification,
                          GPT2Config, GPT2ForSequenceClassification, GPTNeoXConfig, GPTNeoXForSequenceClassification,
                          LlamaConfig, LlamaForSequenceClassification, MistralConfig, MistralForSequenceClassification,
                          Phi3Config, Phi3ForSequenceClassification, PreTrainedTokenizerFast, Qwen2Config,
                          Qwen2ForSequenceClassification, Qwen3Config, Qwen3ForSequenceClassification)

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "fixtures")
ROOT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(FIXTURES, "classifiers")
TOKENIZER = os.path.join(FIXTURES, "tiny-llama")
VOCAB, BOS, END, PAD = 293, 1, 2, 3
TURNS = "{% for m in messages %}{{ '<|begin|>' + m['role'] + '\n' + m['content'] + '<|end|>' }}"
TEMPLATES = {
    "line": TURNS + "{{ '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|begin|>assistant\n' }}{% endif %}",
    "end": TURNS + "{% endfor %}{% if add_generation_prompt %}{{ '<|begin|>assistant\n' }}{% endif %}",
    "text": TURNS + "{% endfor %}{% if add_generation_prompt %}{{ '<|begin|>assistant\n' }}{% else %}{{ '<|endoftext|>' }}{% endif %}",
}
USER = "Is rain good for the garden?"
ROWS = [
    {"prompt": USER, "response": "Yes, in spring most of all."},
    {"prompt": USER, "response": "No."},
    {"prompt": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Tea or coffee?"},
                {"role": "assistant", "content": "Tea."}, {"role": "user", "content": "Why?"}],
     "response": "When the kettle sings, the tea is nearly ready."},
    {"prompt": "Count.", "response": "The lighthouse keeper counted the ships that passed before the storm came in."},
]
IDS = dict(vocab_size=VOCAB, bos_token_id=BOS, eos_token_id=END, num_labels=1)
SIZES = dict(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, intermediate_size=12,
             max_position_embeddings=256)


def rope(theta=1e4, **more):
    return dict(rope_theta=theta, rope_type="default", **more)


# name: class, configuration, template. The pad token is that of the template's end in gemma2 (its default) and mistral.
MODELS = {
    "llama": (LlamaForSequenceClassification, LlamaConfig(**IDS, **SIZES, pad_token_id=PAD, rope_parameters=rope()), "line"),
    "mistral": (MistralForSequenceClassification,
                MistralConfig(**IDS, **SIZES, pad_token_id=END, sliding_window=16, rope_parameters=rope()), "end"),
    "qwen2": (Qwen2ForSequenceClassification, Qwen2Config(**IDS, **SIZES, pad_token_id=0, rope_parameters=rope(1e6)), "line"),
    "qwen3": (Qwen3ForSequenceClassification,
              Qwen3Config(**IDS, **SIZES, head_dim=6, pad_token_id=0, tie_word_embeddings=True, rope_parameters=rope(1e6)), "line"),
    "gemma2": (Gemma2ForSequenceClassification,
               Gemma2Config(**IDS, **SIZES, head_dim=4, sliding_window=8, query_pre_attn_scalar=6, rope_parameters=rope()), "text"),
    "gemma3": (Gemma3TextForSequenceClassification,
               Gemma3TextConfig(**IDS, **SIZES, head_dim=4, sliding_window=8, query_pre_attn_scalar=6,
                                layer_types=["sliding_attention", "full_attention"],
                                rope_parameters=dict(sliding_attention=rope(), full_attention=rope(1e6))), "line"),
    "phi3": (Phi3ForSequenceClassification, Phi3Config(**IDS, **SIZES, pad_token_id=0, rope_parameters=rope(partial_rotary_factor=1.0)),
             "text"),
    "gpt2": (GPT2ForSequenceClassification,
             GPT2Config(**IDS, n_embd=8, n_layer=2, n_head=2, n_positions=256, pad_token_id=PAD), "line"),
    "gptneox": (GPTNeoXForSequenceClassification,
                GPTNeoXConfig(**IDS, **{k: v for k, v in SIZES.items() if k != "num_key_value_heads"}, pad_token_id=PAD,
                              rope_parameters=rope(partial_rotary_factor=0.5)), "end"),
}


def draw(name, model):
    torch.manual_seed(zlib.crc32(name.encode()))
    for key, p in model.named_parameters():
        z = torch.randn(p.shape)
        norm = "norm" in key or "ln_" in key
        p.data = (0.25 * z + ("gemma" not in name) if norm and key.endswith("weight") else 0.2 * z if p.dim() == 1
                  else 0.5 * z if "embed" in key or "wte" in key or "wpe" in key else z * 1.1 / p.shape[1] ** 0.5)


def turns(row):
    p = row["prompt"]
    return ([{"role": "user", "content": p}] if isinstance(p, str) else p) + [{"role": "assistant", "content": row["response"]}]


def scores(model, tokenizer):
    texts = [tokenizer.apply_chat_template(turns(r), tokenize=False) for r in ROWS]
    with torch.no_grad():
        return [model(**tokenizer(t, return_tensors="pt", return_token_type_ids=False)).logits[0, 0].item() for t in texts]


def main():
    torch.set_num_threads(1)
    said = {}
    for name, (cls, config, template) in MODELS.items():
        folder = os.path.join(ROOT, name)
        model = cls(config)
        draw(name, model)
        model.to(torch.bfloat16).save_pretrained(folder)
        with open(os.path.join(folder, "chat_template.jinja"), "w") as f:
            f.write(TEMPLATES[template])
        tokenizer = PreTrainedTokenizerFast.from_pretrained(TOKENIZER)
        tokenizer.chat_template = TEMPLATES[template]
        said[name] = scores(cls.from_pretrained(folder, dtype=torch.float32).eval(), tokenizer)
        for other in os.listdir(folder):
            if other not in ("config.json", "model.safetensors", "chat_template.jinja"):
                os.remove(os.path.join(folder, other))
        print(name, said[name])
    with open(os.path.join(ROOT, "scores.json"), "w") as f:
        json.dump({"rows": ROWS, "scores": said}, f, indent=1)
        f.write("\n")


main()
