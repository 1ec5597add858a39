"""Makes tests/fixtures/tiny-llama and tiny-gemma3: tiny random models in Hugging Face layout and golden numbers.

usage: python tools/make_fixtures.py [folder]      (needs torch, transformers, tokenizers, safetensors)

The numbers are computed in float64 by the few lines of `Net` below, which share no code with this project nor with
transformers; transformers, in f32, is run beside it and has to agree. Same seeds, same files.

  golden.json     two sequences: log-probabilities, some logits; loss and gradient of the mean cross-entropy; greedy text
  training.json   tiny-llama: reward model, its steps under AdamW and Adafactor, REINFORCE with KL and a value head

A gradient is stored as its norm and eight entries (flat row-major index, value): the four largest, four others."""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForSequenceClassification,
                          PreTrainedTokenizerFast)
from transformers.optimization import Adafactor

ROOT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "fixtures")
VOCAB = 293  # no multiple of sixteen
SPECIAL = ["<|endoftext|>", "<|begin|>", "<|end|>", "<|pad|>"]
TEMPLATE = ("{% for m in messages %}{{ '<|begin|>' + m['role'] + '\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|begin|>assistant\n' }}{% endif %}")
SENTENCES = [
    "The lighthouse keeper counted the ships that passed before the storm came in.",
    "A good summary says what happened, to whom, and why it matters; it leaves the rest out.",
    "When the kettle sings, the tea is nearly ready, and the cups are on the table.",
    "She asked which of the two answers was better, and he could not say.",
    "Every morning the baker opens the shop at six and the smell fills the street.",
]

torch.set_num_threads(1)


def rng(*key):
    return np.random.default_rng([20, *(sum(ord(c) * 31 ** i for i, c in enumerate(str(k))) % 2**31 for k in key)])


# ---- files -------------------------------------------------------------------------------------------------------


def tokenizer():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    t.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator(SENTENCES, trainers.BpeTrainer(vocab_size=VOCAB, special_tokens=SPECIAL, show_progress=False,
                                                         initial_alphabet=alphabet))
    assert t.get_vocab_size() == VOCAB
    fast = PreTrainedTokenizerFast(tokenizer_object=t, bos_token=SPECIAL[1], eos_token=SPECIAL[2], pad_token=SPECIAL[3],
                                   model_max_length=256)
    fast.chat_template = TEMPLATE
    return fast


def configs():
    ids = dict(vocab_size=VOCAB, bos_token_id=1, eos_token_id=2, pad_token_id=3, max_position_embeddings=256)
    return {
        # untied, one key head, sizes that are no multiples of sixteen, Llama 3's rotary scaling
        "tiny-llama": LlamaConfig(
            **ids, hidden_size=40, num_hidden_layers=2, num_attention_heads=5, num_key_value_heads=1, head_dim=8,
            intermediate_size=72, tie_word_embeddings=False, rms_norm_eps=1e-5,
            rope_parameters=dict(rope_theta=500.0, rope_type="llama3", factor=4.0, low_freq_factor=1.0,
                                 high_freq_factor=4.0, original_max_position_embeddings=32)),
        # the window cuts every sequence; heads are not width / heads; the global layer's positions are scaled
        "tiny-gemma3": Gemma3TextConfig(
            **ids, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=10,
            intermediate_size=56, query_pre_attn_scalar=12, sliding_window=5, rms_norm_eps=1e-6, tie_word_embeddings=True,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters=dict(sliding_attention=dict(rope_theta=1e4, rope_type="default"),
                                 full_attention=dict(rope_theta=1e6, rope_type="linear", factor=2.0))),
    }


def draw(name, model):
    """f32 weights by parameter name."""
    gemma, out = "gemma" in name, {}
    for k, p in model.named_parameters():
        z = rng(name, k).standard_normal(tuple(p.shape))
        if "norm" in k:
            out[k] = 0.25 * z + (0 if gemma else 1)
        else:
            out[k] = (0.2 if gemma else 0.5) * z if "embed" in k else z * 1.1 / math.sqrt(p.shape[1])
    return {k: v.astype(np.float32) for k, v in out.items()}


def digits(x, n=10):
    """Numbers rounded to n significant digits, in lists and dicts of any depth."""
    if isinstance(x, (torch.Tensor, np.ndarray)):
        return digits(x.tolist(), n)
    if isinstance(x, dict):
        return {k: digits(v, n) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [digits(v, n) for v in x]
    return float(f"%.{n}g" % x) if isinstance(x, float) else x


def write(path, value):
    with open(path, "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()) + "\n}\n")


# ---- the model in float64 ----------------------------------------------------------------------------------------


class Net:
    """A decoder of either family as a function of named float64 tensors."""

    def __init__(self, config, weights):
        self.c, self.gemma = config, config.model_type.startswith("gemma")
        self.w = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in weights.items()}

    def norm(self, x, name):
        y = x / torch.sqrt((x * x).mean(-1, keepdim=True) + self.c.rms_norm_eps)
        return y * (self.w[name] + (1.0 if self.gemma else 0.0))

    def angles(self, rope, n):
        half = self.c.head_dim // 2
        f = torch.tensor([rope["rope_theta"] ** (-i / half) for i in range(half)], dtype=torch.float64)
        if rope["rope_type"] == "linear":
            f = f / rope["factor"]
        if rope["rope_type"] == "llama3":
            turns = rope["original_max_position_embeddings"] * f / (2 * math.pi)  # over the original context
            lo, hi = rope["low_freq_factor"], rope["high_freq_factor"]
            keep = ((turns - lo) / (hi - lo)).clamp(0, 1)
            f = keep * f + (1 - keep) * f / rope["factor"]
        return torch.arange(n, dtype=torch.float64)[:, None] * f

    def turn(self, x, a):
        u, v = x.chunk(2, -1)
        return torch.cat([u * a.cos() - v * a.sin(), v * a.cos() + u * a.sin()], -1)

    def attention(self, x, p, local, rope):
        c, n, d = self.c, len(x), self.c.head_dim
        split = lambda name: (x @ self.w[p + name + "_proj.weight"].T).view(n, -1, d).transpose(0, 1)
        q, k, v = split("q"), split("k"), split("v")
        scale = d ** -0.5
        if self.gemma:
            q, k = self.norm(q, p + "q_norm.weight"), self.norm(k, p + "k_norm.weight")
            scale = c.query_pre_attn_scalar ** -0.5
        a = self.angles(rope, n)
        q, k = self.turn(q, a), self.turn(k, a)
        group = c.num_attention_heads // c.num_key_value_heads
        k, v = k.repeat_interleave(group, 0), v.repeat_interleave(group, 0)
        back = torch.arange(n)[:, None] - torch.arange(n)
        seen = (back >= 0) & (back < (c.sliding_window if local else n))
        s = (q @ k.transpose(1, 2) * scale).masked_fill(~seen, -math.inf).softmax(-1)
        return (s @ v).transpose(0, 1).reshape(n, -1) @ self.w[p + "o_proj.weight"].T

    def hidden(self, ids):
        """The final norm's output [n][width]."""
        c, w, g = self.c, self.w, self.gemma
        x = w["model.embed_tokens.weight"][ids] * (math.sqrt(c.hidden_size) if g else 1.0)
        for l in range(c.num_hidden_layers):
            p, kind = f"model.layers.{l}.", c.layer_types[l] if g else None
            rope = c.rope_parameters[kind] if g else c.rope_parameters
            y = self.attention(self.norm(x, p + "input_layernorm.weight"), p + "self_attn.", kind == "sliding_attention", rope)
            x = x + (self.norm(y, p + "post_attention_layernorm.weight") if g else y)
            y = self.norm(x, p + ("pre_feedforward" if g else "post_attention") + "_layernorm.weight")
            gate, up = y @ w[p + "mlp.gate_proj.weight"].T, y @ w[p + "mlp.up_proj.weight"].T
            y = (F.gelu(gate, approximate="tanh") if g else F.silu(gate)) * up @ w[p + "mlp.down_proj.weight"].T
            x = x + (self.norm(y, p + "post_feedforward_layernorm.weight") if g else y)
        return self.norm(x, "model.norm.weight")

    def logits(self, h):
        return h @ self.w["model.embed_tokens.weight" if self.c.tie_word_embeddings else "lm_head.weight"].T

    def next_logprobs(self, ids):
        z = self.logits(self.hidden(ids)[:-1]).log_softmax(-1)
        return z[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]


def samples(name, values):
    a = np.abs(values).ravel()
    big = np.argsort(-a, kind="stable")[:4].tolist()
    rest = [i for i in rng("pick", name).permutation(a.size).tolist() if i not in big][:4]
    at = sorted(big + rest)
    return digits({"norm": float(np.sqrt((values ** 2).sum())), "index": at, "value": values.ravel()[at]})


def gradient(loss, w):
    """Sampled gradients by name; a parameter that the loss does not touch is left out."""
    g = torch.autograd.grad(loss, list(w.values()), allow_unused=True, retain_graph=True)
    return {k: samples(k, v.numpy()) for k, v in zip(w, g) if v is not None and bool((v != 0).any())}


# ---- golden.json -------------------------------------------------------------------------------------------------


def sequences(t):
    text = t.encode(SENTENCES[1])
    noise = rng("noise").integers(4, VOCAB, 40).tolist()
    return [[1] + text[:9] + noise[:9], text[5:25] + noise[9:26]]


def greedy(net, prompt, n):
    """The n likeliest next tokens one after the other, and how far ahead of the second each was."""
    ids, gap, logp = list(prompt), [], []
    with torch.no_grad():
        for _ in range(n):
            best = net.logits(net.hidden(ids)[-1:])[0].log_softmax(-1).topk(2)
            ids.append(best.indices[0].item())
            gap.append((best.values[0] - best.values[1]).item())
            logp.append(best.values[0].item())
    assert min(gap) > 1e-3, min(gap)
    return {"prompt": prompt, "ids": ids[len(prompt):], "gap": digits(gap, 4)}, logp


def nll(logprobs):
    return -torch.cat(logprobs).mean()


def check_against_transformers(path, net, seqs):
    """transformers in f32 has to say the same: log-probabilities and gradients."""
    m = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    theirs = []
    for s in seqs:
        z = m(torch.tensor([s])).logits[0, :-1].log_softmax(-1)
        theirs.append(z[torch.arange(len(s) - 1), torch.tensor(s[1:])])
    ours = [net.next_logprobs(s) for s in seqs]
    off = max((a - b).abs().max().item() for a, b in zip(ours, theirs))
    nll(theirs).backward()
    mine = dict(zip(net.w, torch.autograd.grad(nll(ours), list(net.w.values()))))
    named = dict(m.named_parameters())
    rel = max(((g - named[k].grad).abs().max() / g.abs().max()).item() for k, g in mine.items())
    assert off < 3e-5 and rel < 3e-5, (off, rel)
    return off, rel


def make_model(name, config):
    path = os.path.join(ROOT, name)
    os.makedirs(path, exist_ok=True)
    m = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    config.architectures, config.dtype = [type(m).__name__], "float32"
    config.save_pretrained(path)
    weights = draw(name, m)
    save_file(weights, os.path.join(path, "model.safetensors"), metadata={"format": "pt"})
    t = tokenizer()
    t.save_pretrained(path)
    net, seqs, out = Net(config, weights), sequences(t), {"sequences": []}
    for s in seqs:
        z = net.logits(net.hidden(s)).detach()
        out["sequences"].append(digits({"ids": s, "logits_last": z[-1], "logits_first8": z[:, :8],
                                        "logprobs": net.next_logprobs(s).detach()}, 8))
    loss = nll([net.next_logprobs(s) for s in seqs])
    out["loss"] = digits(loss.item(), 12)
    out["grad"] = gradient(loss, net.w)
    out["greedy"] = greedy(net, seqs[0][:8], 32)[0]
    write(os.path.join(path, "golden.json"), out)
    print(name, "loss", out["loss"], "transformers in f32 is off by", check_against_transformers(path, net, seqs))
    return path, config, weights, t


# ---- training.json -----------------------------------------------------------------------------------------------

BETA = 0.07
REFERENCE = {"scaled": "model.layers.1.mlp.down_proj.weight", "factor": 0.5}


def inputs(t):
    draw_ids = lambda n, *key: rng(*key).integers(4, VOCAB, n).tolist()
    p = [t.encode(SENTENCES[i])[:n] for i, n in ((0, 7), (2, 4), (3, 10))]
    pairs = [{"a": p[i] + draw_ids(3 + 2 * i, "a", i), "b": p[i] + draw_ids(8 - i, "b", i), "p": q}
             for i, q in enumerate((0.7, 0.2, 1.0))]
    rollouts = [{"prompt": p[i], "response": draw_ids(n, "y", i, n), "reward": r}
                for i, n, r in ((0, 6, 0.9), (1, 1, -0.4), (0, 9, -1.1), (2, 3, 0.35))]
    return {"pairs": pairs, "rollouts": rollouts}


def rewards(net, pairs):
    score = lambda ids: net.hidden(ids)[-1] @ net.w["score.weight"][0]
    return torch.stack([score(x["a"]) for x in pairs]), torch.stack([score(x["b"]) for x in pairs])


def pair_losses(net, pairs):
    a, b = rewards(net, pairs)
    p = torch.tensor([x["p"] for x in pairs], dtype=torch.float64)
    return -(p * F.logsigmoid(a - b) + (1 - p) * F.logsigmoid(b - a)), a, b


def optimizer_steps(config, weights, pairs, make):
    net, out = Net(config, weights), {"losses": []}
    opt = make(list(net.w.values()))
    for step in (1, 2, 3):
        loss = pair_losses(net, pairs)[0].mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        out["losses"].append(loss.item())
        if step != 2:
            out[f"after_{step}"] = {k: samples(k, v.detach().numpy()) for k, v in net.w.items()}
    out["losses"].append(pair_losses(net, pairs)[0].mean().item())
    return digits(out, 12)


def reinforce(config, weights, value, rollouts):
    net = Net(config, {**weights, **value})
    ref = Net(config, {**weights, REFERENCE["scaled"]: weights[REFERENCE["scaled"]] * np.float32(REFERENCE["factor"])})
    arrays, policy, full, n = [], 0, 0, 0
    for r in rollouts:
        ids, k, y = r["prompt"] + r["response"], len(r["prompt"]), torch.tensor(r["response"])
        pick = lambda h, who: who.logits(h).log_softmax(-1)[torch.arange(len(y)), y]
        h = net.hidden(ids)[k - 1:-1]
        logp, ref_logp = pick(h, net), pick(ref.hidden(ids)[k - 1:-1], ref).detach()
        values = h @ net.w["value.weight"][0] + net.w["value.bias"][0]
        kl = (logp - ref_logp).detach()
        token = -BETA * kl
        token[-1] += (1 - BETA) * r["reward"]
        returns = token.flip(0).cumsum(0).flip(0)
        advantages = returns - values.detach()
        policy = policy - (advantages * logp).sum()
        full = full + 0.5 * ((values - returns) ** 2).sum()
        n += len(y)
        arrays.append(digits({"logprobs": logp.detach(), "ref_logprobs": ref_logp, "kl": kl, "token_rewards": token,
                              "returns": returns, "values": values.detach(), "advantages": advantages}))
    terms = {"policy": policy / n, "value_full": full / n}
    return {"beta": BETA, "reference": REFERENCE, "arrays": arrays, "per_token":
            {"N": n, **{k: {"loss": digits(v.item(), 12), "grad": gradient(v, net.w)} for k, v in terms.items()}}}


def check_reward_model(path, config, weights, pairs, net):
    config.num_labels = 1
    m = LlamaForSequenceClassification(config).eval()
    m.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
    theirs = torch.tensor([m(torch.tensor([x["a"]])).logits[0, 0].item() for x in pairs])
    assert (theirs - rewards(net, pairs)[0]).abs().max() < 1e-5


def make_training(path, config, weights, t):
    x, C = inputs(t), config.hidden_size
    score = {"score.weight": (rng("score").standard_normal((1, C)) * 0.3).astype(np.float32)}
    value = {"value.weight": (rng("value").standard_normal((1, C)) * 0.2).astype(np.float32),
             "value.bias": np.array([-0.3], np.float32)}
    save_file(score, os.path.join(path, "score_head.safetensors"))
    save_file(value, os.path.join(path, "value_head.safetensors"))
    trunk = {k: v for k, v in weights.items() if k != "lm_head.weight"}
    net = Net(config, {**trunk, **score})
    each, a, b = pair_losses(net, x["pairs"])
    out = {"inputs": x}
    out["reward_model"] = {**digits({"loss": each.mean().item(), "loss_each": each.detach(), "reward_a": a.detach(),
                                     "reward_b": b.detach()}), "grad": gradient(each.mean(), net.w)}
    adamw = lambda p: torch.optim.AdamW(p, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
    factor = lambda p: Adafactor(p, lr=1e-3, eps=(1e-30, 1e-3), clip_threshold=1.0, decay_rate=-0.8, beta1=None,
                                 weight_decay=0.0, scale_parameter=False, relative_step=False, warmup_init=False)
    for name, make in ("adamw", adamw), ("adafactor", factor):
        out[f"reward_model_{name}"] = optimizer_steps(config, {**trunk, **score}, x["pairs"], make)
    out["reinforce"] = reinforce(config, weights, value, x["rollouts"])
    write(os.path.join(path, "training.json"), out)
    check_reward_model(path, config, {**trunk, **score}, x["pairs"], net)


if __name__ == "__main__":
    for name, config in configs().items():
        made = make_model(name, config)
        if name == "tiny-llama":
            make_training(*made)
