"""Compares models that `rlaif export` wrote in f32 with what transformers and llama.cpp make of them (run by tools/test_export).

Prints a row of docs/numbers.md for every model: how far log-probabilities are at most from those that transformers computes of the file
in f64. llama.cpp goes on with a text, greedily, for 32 tokens (of those that are whole characters: others its server does not show).
Compared are here and in transformers' own f32 the tokens of all that and the best 1,000 behind each of the 32, in llama.cpp the best 20
there; whether the ids of the text are the same; and whether each of the 32 is the best token here too. An adapter is compared alone, by
PEFT and by llama.cpp on its base, and merged.

llama.cpp has ways of its own: it looks GELU up in a table of half floats, and its server adds probabilities up in f32, one by one, so that
small ones behind a large sum are lost. What both change is measured in f64. What is left of llama.cpp's distance may be BOUND, as here, and
where there is a GELU as much again as its ways: a number that lies between two half floats falls to either side."""
import contextlib
import glob
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from unittest import mock

import numpy
import peft
import torch
import transformers
import xllamacpp

TEXT = "Once upon a time, there was a small ship that sailed"
NEW = 32
TOP = 20  # in each place, of llama.cpp
BOUND = 1e-4
FIXTURES = "tests/fixtures"


def rlaif(*words):
    out = subprocess.run(["./rlaif", *words, "--quiet"], check=True, stdout=subprocess.PIPE).stdout.decode()
    return [json.loads(line) for line in out.splitlines()]


def write_rows(path, rows):
    with open(path, "w") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    return path


# --- tiny models ------------------------------------------------------------------------------------------------------

# The configurations of tests/fixtures/classifiers in other sizes: name, family, what else is another.
SIZES = dict(hidden_size=64, num_attention_heads=4, num_key_value_heads=2, head_dim=16, num_hidden_layers=4, intermediate_size=96,
             query_pre_attn_scalar=16, num_labels=1)
FAMILIES = [(name, name, {}) for name in sorted(os.listdir(f"{FIXTURES}/classifiers")) if not name.endswith(".json")]
SCALED = [
    ("gemma3-linear", "gemma3", dict(rope_parameters=dict(sliding_attention=dict(rope_theta=1e4, rope_type="default"),
                                                          full_attention=dict(rope_theta=1e6, rope_type="linear", factor=8.0)))),
    ("llama-biases", "llama", dict(attention_bias=True, mlp_bias=True)),
    ("mistral-linear", "mistral", dict(rope_parameters=dict(rope_theta=1e4, rope_type="linear", factor=4.0))),
    ("llama-llama3", "llama", dict(rope_parameters=dict(rope_theta=5e5, rope_type="llama3", factor=8.0, low_freq_factor=1.0,
                                                        high_freq_factor=4.0, original_max_position_embeddings=64))),
    ("qwen2-yarn", "qwen2", dict(rope_parameters=dict(rope_theta=1e4, rope_type="yarn", factor=4.0,
                                                      original_max_position_embeddings=64))),
    ("phi3-longrope", "phi3", dict(rope_parameters=dict(rope_theta=1e4, rope_type="longrope", partial_rotary_factor=1.0,
                                                        short_factor=[1 + i / 4 for i in range(8)],
                                                        long_factor=[1.0 + i for i in range(8)]),
                                   original_max_position_embeddings=256, max_position_embeddings=512)),
]


def make(name, family, changes):
    """A directory of transformers' with a model of random numbers in f32, and the tokenizer of tiny-llama."""
    folder = f"build/export/{name}"
    config = transformers.AutoConfig.from_pretrained(f"{FIXTURES}/classifiers/{family}")
    for key, value in {**SIZES, **changes}.items():
        if hasattr(config, key):
            setattr(config, key, value)
    if getattr(config, "layer_types", None):
        config.layer_types = (["sliding_attention", "full_attention"] if "gemma" in family else ["full_attention"] * 2) * 2
    if family == "mistral":
        config.sliding_window = None  # llama.cpp does not read it
    torch.manual_seed(zlib.crc32(name.encode()))
    config.dtype = "float32"
    model = transformers.AutoModelForCausalLM.from_config(config)
    for p in model.parameters():
        p.data = p.data + 0.2 * torch.randn(p.shape) if p.dim() == 1 else torch.randn(p.shape) * 1.5 / p.shape[-1] ** 0.5
    model.tie_weights()
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    for part in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(f"{FIXTURES}/tiny-llama/{part}", folder)
    return folder


def trained(folder, kind, *how):
    """The model after a few steps of sft, a directory of rlaif's; of an adapter where that is how."""
    out = f"{folder}-{kind}"
    shutil.rmtree(out, ignore_errors=True)
    rows = write_rows("build/export/demonstrations.jsonl",
                      [{"prompt": f"Count to {n}.", "completion": " ".join(str(i) for i in range(n))} for n in range(4, 12)])
    subprocess.run(["./rlaif", "sft", rows, "--model", folder, "-o", out, "--batch", "4", "--epochs", "4", "--quiet", *how],
                   check=True)
    return out


def tiny_models():
    for name, family, changes in FAMILIES + SCALED:
        folder = make(name, family, changes)
        yield folder
        if not changes:
            yield trained(folder, "trained", "--lr", "1e-3")
            yield trained(folder, "lora", "--lora", "8", "--lr", "2e-2")
            yield trained(folder, "rslora", "--lora", "4", "--lora-alpha", "6", "--rslora", "--lr", "2e-2")


# --- elsewhere --------------------------------------------------------------------------------------------------------

class TableGelu(torch.nn.Module):
    """GELU as llama.cpp has it: the tanh form, from a table of half floats for half floats, between -10 and 10."""

    def forward(self, x):
        y = torch.nn.functional.gelu(x.half().float(), approximate="tanh").half().float()
        return torch.where(x <= -10, 0, torch.where(x >= 10, x, y))


@contextlib.contextmanager
def in_f64(model):
    """All of a model's numbers in f64, also where transformers asks for f32: in norms, softmax and rotary angles."""
    with mock.patch.multiple(torch, float=torch.float64, float32=torch.float64), \
            mock.patch.object(torch.Tensor, "float", torch.Tensor.double):
        for m in model.double().modules():
            if "Rotary" in type(m).__name__:
                m.__init__(m.config)
        yield


def in_transformers(folder, adapter, ids, exact=True, table=False):
    """Log-probabilities behind each of the ids, in f64 or f32, with the model's GELU or llama.cpp's; whether it has one."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model = peft.PeftModel.from_pretrained(model, adapter) if adapter else model
    gelus = [(m, name) for m in model.modules() for name in ("act_fn", "act") if "GELU" in type(getattr(m, name, None)).__name__]
    for m, name in gelus if table else []:
        setattr(m, name, TableGelu())
    with torch.no_grad(), in_f64(model) if exact else contextlib.nullcontext():
        return torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1).numpy(), bool(gelus)


def as_summed(logp):
    """Log-probabilities [N][vocabulary] as llama.cpp's server makes them of logits: the best TOP and then the others, added up in f32."""
    p = numpy.exp(logp - logp.max(-1, keepdims=True))
    order = numpy.argsort(-p, -1, kind="stable")
    order[:, TOP:].sort(-1)
    total = numpy.cumsum(numpy.take_along_axis(p, order, -1).astype(numpy.float32), -1, dtype=numpy.float32)[:, -1:]
    return logp + numpy.log(p.sum(-1, keepdims=True) / total)


def in_llama(path, adapter, banned):
    """How many tokens the text has in llama.cpp; the tokens that it goes on with, greedily, each with the best 20 in its place."""
    p = xllamacpp.CommonParams()
    p.model.path = path
    p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(adapter, 1.0)] if adapter else []
    p.n_ctx = 256
    p.n_parallel = 1
    p.cache_type_k = p.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    p.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    p.warmup = False
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1  # more wait for each other without sleeping
    p.verbosity = -1
    said = xllamacpp.Server(p).handle_completions({"prompt": TEXT, "n_predict": NEW, "temperature": 0, "n_probs": TOP,
                                                   "logit_bias": [[i, False] for i in sorted(banned)]})
    said = json.loads(said) if isinstance(said, str) else said
    return said["usage"]["prompt_tokens"], said["choices"][0]["logprobs"]["content"]


def export(model, path, form):
    subprocess.run(["./rlaif", "export", model, "-o", path, "--format", form, "--quiet"], check=True)
    return path


def base_of(model):
    """Of an adapter's directory; None: it is a whole model."""
    about = os.path.join(model, "rlaif.json")
    return json.load(open(about))["base"] if os.path.exists(about) else None


def compare(model, folder, base=None):
    """A row of the table; whether all is well. With its base: an adapter alone."""
    whole = base or model
    hf, gguf, rows = (os.path.join(folder, name) for name in ("hf", "model.gguf", "rows.jsonl"))
    export(whole, hf, "hf"), export(whole, gguf, "gguf")
    in_peft, in_gguf = (export(model, os.path.join(folder, name), form) if base else None
                        for name, form in (("peft", "peft"), ("adapter.gguf", "gguf-adapter")))
    reader = transformers.AutoTokenizer.from_pretrained(hf)
    mine = rlaif("tokenize", write_rows(rows, [{"text": TEXT}]), "--model", model)[0]["ids"]
    ids = reader(TEXT)["input_ids"]  # with BOS, where the model begins a text so
    banned = {i for i, text in enumerate(reader.batch_decode([[i] for i in range(len(reader))])) if "\ufffd" in text}
    banned |= set(reader.all_special_ids)
    n, steps = in_llama(gguf, in_gguf, banned)
    said = [step["id"] for step in steps]
    same_ids = reader(TEXT, add_special_tokens=False)["input_ids"] == mine and n == len(ids)
    here = rlaif("logprob", write_rows(rows, [{"ids": ids + said[:i]} for i in range(len(said))]), "--model", model, "--top", "1000")
    exact, has_gelu = in_transformers(hf, in_peft, ids + said[:-1])
    theirs = in_transformers(hf, in_peft, ids + said[:-1], exact=False)[0]
    ways = as_summed(in_transformers(hf, in_peft, ids + said[:-1], table=True)[0] if has_gelu else exact)
    behind = range(len(ids) - 1, len(ids) - 1 + NEW)
    at, i, x = zip(*[(at, i, x) for at, (i, x) in enumerate(zip(ids[1:], here[0]["logp"]))],
                   *[(at, i, x) for at, row in zip(behind, here) for i, x in zip(row["top_ids"], row["top_logp"])])
    off, off_hf = abs(exact[at, i] - x).max(), abs(exact - theirs)[at, i].max()
    at, i, x = zip(*[(at, t["id"], t["logprob"]) for at, step in zip(behind, steps) for t in step["top_logprobs"]])
    off_llama, off_ways, left = abs(exact[at, i] - x).max(), abs(exact - ways)[at, i].max(), abs(ways[at, i] - x).max()
    best = [next(i for i in row["top_ids"] if i not in banned) for row in here]
    name = os.path.basename(model) + (", alone" if base else "")
    print(f"| {name} | {off:.1e} | {off_hf:.1e} | {off_llama:.1e} | {off_ways:.1e} | {left:.1e} | "
          f"{'same' if same_ids else 'NOT the same'} | {'same' if best == said else f'NOT the same: {said}, here {best}'} |", flush=True)
    return same_ids and best == said and off <= BOUND and left <= BOUND + (off_ways if has_gelu else 0)


def main():
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    print("| model | here | transformers | llama.cpp | its ways | left | ids | greedy text |" + "\n|" + " --- |" * 8)
    bad = []
    for model in sys.argv[1:] or itertools.chain(tiny_models(), sorted(glob.glob("models/*.gguf"))):
        for base in [None] + ([base_of(model)] if base_of(model) else []):
            with tempfile.TemporaryDirectory(dir="build") as folder:
                if not compare(model, folder, base):
                    bad.append(model)
    if bad:
        print("not the same elsewhere: " + ", ".join(bad), file=sys.stderr)
    sys.stdout.flush()
    os._exit(bool(bad))  # llama.cpp's threads end with it


main()
