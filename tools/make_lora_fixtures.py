"""Makes tests/fixtures/lora: adapters of tests/fixtures/tiny-llama as PEFT writes them, and golden numbers.

usage: python tools/make_lora_fixtures.py [folder]      (needs torch, transformers, peft, safetensors)

A and B are drawn, B is not zero. The numbers are those of the base with W + scale B A in place of W, in float64; PEFT loads the
folder, runs beside the base's weights, merges, and has to agree. Same seeds, same files.

A gradient is stored as its norm and eight entries (flat row-major index, value): the four largest, four others."""
import json
import math
import os
import sys

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM

ROOT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "fixtures")
BASE = os.path.join(ROOT, "tiny-llama")
ADAPTERS = {
    "all": dict(r=3, lora_alpha=5, use_rslora=True, target_modules="all-linear"),
    "patterns": dict(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], layers_to_transform=[1],
                     rank_pattern={"down_proj": 2, "layers.1.self_attn.q_proj": 3}, alpha_pattern={"^model.layers.1.self_attn.v_proj": 5}),
}

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)  # the rotary tables too


def rng(*key):
    return np.random.default_rng([22, *(sum(ord(c) * 31 ** i for i, c in enumerate(str(k))) % 2**31 for k in key)])


def base():
    return AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float64, attn_implementation="eager").eval()


def make(name, path):
    m = get_peft_model(base(), LoraConfig(task_type="CAUSAL_LM", **ADAPTERS[name]))
    with torch.no_grad():
        for k, p in m.named_parameters():
            if "lora_" in k:
                p.copy_(torch.from_numpy(rng(name, k).standard_normal(tuple(p.shape)).astype(np.float32) * 0.125))
    m = m.float()
    m.peft_config["default"].base_model_name_or_path = "../../tiny-llama"
    os.makedirs(path, exist_ok=True)
    m.save_pretrained(path)
    os.remove(os.path.join(path, "README.md"))
    file = os.path.join(path, "adapter_config.json")
    config = json.load(open(file))
    config["target_modules"] = sorted(config["target_modules"])  # PEFT keeps a set, in any order
    with open(file, "w") as f:
        f.write(json.dumps(config, indent=2, sort_keys=True) + "\n")


def shape(name, module):
    c = ADAPTERS[name]

    def of(pattern, otherwise):
        return next((v for k, v in c.get(pattern, {}).items() if module == k.lstrip("^") or module.endswith("." + k)), otherwise)
    r, alpha = of("rank_pattern", c["r"]), of("alpha_pattern", c["lora_alpha"])
    return r, alpha / (math.sqrt(r) if c.get("use_rslora") else r)


def loss_of(m, sequences):
    total, n, logits = 0, 0, []
    for s in sequences:
        z = m(torch.tensor([s])).logits[0]
        logits.append(z)
        total = total - z[:-1].log_softmax(-1)[torch.arange(len(s) - 1), torch.tensor(s[1:])].sum()
        n += len(s) - 1
    return total / n, logits


def by_formula(name, path, sequences):
    m, tensors = base(), {k: torch.from_numpy(v).double() for k, v in load_file(os.path.join(path, "adapter_model.safetensors")).items()}
    params, grads, merged = dict(m.named_parameters()), {}, {}
    halves = {k[len("base_model.model."):-len(".lora_A.weight")]: k for k in tensors if k.endswith(".lora_A.weight")}
    assert 2 * len(halves) == len(tensors)
    for module, k in halves.items():
        r, scale = shape(name, module)
        A, B = tensors[k], tensors[k.replace("lora_A", "lora_B")]
        assert A.shape[0] == B.shape[1] == r, module
        with torch.no_grad():
            params[module + ".weight"] += scale * (B @ A)
    loss, logits = loss_of(m, sequences)
    loss.backward()
    for module, k in halves.items():
        scale, w = shape(name, module)[1], params[module + ".weight"]
        grads[k] = scale * (tensors[k.replace("lora_A", "lora_B")].T @ w.grad)
        grads[k.replace("lora_A", "lora_B")] = scale * (w.grad @ tensors[k].T)
        merged[module + ".weight"] = w.detach()
    return loss.item(), [z.detach() for z in logits], grads, merged


def by_peft(path, sequences):
    m = PeftModel.from_pretrained(base(), path, is_trainable=True, autocast_adapter_dtype=False).double().eval()
    loss, logits = loss_of(m, sequences)
    loss.backward()
    grads = {k.replace(".default", ""): p.grad for k, p in m.named_parameters() if p.grad is not None}
    return loss.item(), [z.detach() for z in logits], grads, dict(m.merge_and_unload().named_parameters())


def digest(name, array):
    flat = array.numpy().ravel()
    largest = np.argsort(-np.abs(flat), kind="stable")[:4]
    others = np.setdiff1d(rng(name, "entries").permutation(flat.size), largest, assume_unique=True)[:4]
    index = sorted({int(i) for i in (*largest, *others)})
    return {"norm": float(np.linalg.norm(flat)), "index": index, "value": [float(flat[i]) for i in index]}


def main():
    sequences = [s["ids"] for s in json.load(open(os.path.join(BASE, "golden.json")))["sequences"]][:2]
    for name in ADAPTERS:
        path = os.path.join(ROOT, "lora", name)
        make(name, path)
        loss, logits, grads, merged = by_formula(name, path, sequences)
        theirs = by_peft(path, sequences)
        assert abs(theirs[0] - loss) < 1e-10 and set(theirs[2]) == set(grads)
        assert all(torch.allclose(a, b, atol=1e-10) for a, b in zip(theirs[1], logits))
        assert all(torch.allclose(theirs[2][k], g, atol=1e-10) for k, g in grads.items())
        assert all(torch.allclose(theirs[3][k], w, atol=1e-10) for k, w in merged.items())
        with open(os.path.join(path, "golden.json"), "w") as f:
            f.write(json.dumps({
                "loss": loss,
                "sequences": [{"ids": s, "logits_last": z[-1].tolist(), "logits_first8": z[:, :8].tolist()} for s, z in zip(sequences, logits)],
                "grad": {k: digest(k, g) for k, g in sorted(grads.items())},
                "merged": {k: digest(k, w) for k, w in sorted(merged.items())},
            }) + "\n")
        print(name, len(grads) // 2, "linear layers, loss", loss)


if __name__ == "__main__":
    main()
