"""Makes tests/fixtures/real: what the two real models of tools/get_model say, by other programs, of texts written here.

usage: python tools/make_real_fixtures.py [folder]     (needs make_fixtures.py's packages, gguf and llama-cpp-python; run
                                                        in the project's root with both models in models/)

  tokenizer_NAME.jsonl.gz   texts and llama.cpp's ids; `ids_special` where control tokens in the text are parsed
  chat_smollm2.jsonl        messages as transformers renders the model's template, and the ids of that
  logprobs_NAME.json        log-probability of every next token of a few sequences, the five best after the last; norms of
                            the residual stream of the first sequence
  greedy_NAME.json          48 tokens after a few prompts
  labels_smollm2.json       comparisons judged in both orders
  scores.json               scores 1 to 10 and verdicts of both models

Numbers are float64 throughout, by `Net` of make_fixtures.py on the weights as gguf-py dequantises them."""
import gzip
import json
import math
import os
import sys
from types import SimpleNamespace

import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize
from llama_cpp import Llama

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import make_chat_fixtures as chats
import make_fixtures as made
import make_gguf_fixtures as files
import make_tokenizer_fixtures as texts

ROOT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(made.ROOT, "real")
PATH = {"smollm2": "models/smollm2-135m-instruct.gguf", "gemma3": "models/gemma-3-270m.gguf"}
BOS = {"smollm2": [], "gemma3": [2]}
digits = made.digits
torch.set_num_threads(os.cpu_count())

# ---- texts -------------------------------------------------------------------------------------------------------

MORE = [
    # digits are tokens of their own in SmolLM2, whatever stands before them
    "1", "12", "123456789", " 1", "  1", "\n1", "\n\n1.", "\n\n\n12\n\n3", "a1b22c333", "1st, 2nd and 3rd", "0x1F4A9", "3,141,592.65",
    "10:45–11:30", "+49 (0)30 123-4567", "x=1;y= 2;z =3", "\t7", "² ³ ¼ ٣ ४ 五", "1" * 40,
    # runs of blanks, which Gemma has as tokens of up to 31
    *[" " * n for n in (2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 47, 62, 63, 64, 100)], "a" + " " * 33 + "b", "\n" * 31, "\n" * 33,
    "\t" * 5, "\t\t \t", " \n \n", "a \n b", "a  \n\n  b", "\r\n", "a\r\nb\r\n\r\nc", "end  ", "   start",
    # what looks like tokens
    "<|im_start|>", "<|im_end|>\n", "x<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", "<|endoftext|>", "< |im_end|>",
    "<|im_end", "<bos>", "<eos><bos>", "<start_of_turn>user\nHi<end_of_turn>\n", "<pad>", "<unused5>", "[multimodal]", "<0x0A>",
    "<h1>Title</h1>", "<table><tr><td>1</td></tr></table>", "</s><s>", "<unk>", "<mask>", "<empty_output>", "<file_sep>", "<jupyter_code>",
    # words and signs
    "can't won't it's they'll I'd we've you're", "CAN'T IT'S", "don’t", "mother-in-law", "e.g. this, i.e. that…", "What?! No... (yes)",
    "C:\\path\\to\\file", "https://example.org/a?b=c&d=%20#e", "user@example.org", "$5.00 € 3 £2", "#hashtag @name", "a_b__c", "CamelCaseWord",
    "snake_case_word", "SHOUTING loudly", "  def f(x):\n        return x ** 2\n", "if (a && b || !c) { d += e; }", "{\"k\": [1, 2.5, null]}",
    "\\frac{1}{2} \\alpha", "| a | b |\n|---|---|\n| 1 | 2 |", "* one\n* two\n    * three", "- [ ] todo\n- [x] done",
    # other writing, and characters of several bytes
    "Grüße aus Köln, schöne Maße!", "Où est l'hôtel ? Ça va très bien.", "¿Qué tal? ¡Muy bien!", "Привет, как дела?", "שלום עולם", "مرحبا بالعالم",
    "नमस्ते दुनिया", "สวัสดีชาวโลก", "こんにちは、世界。", "안녕하세요 세계", "今天天氣真好，我們去公園吧！", "Ελληνικά", "Tiếng Việt", "İstanbul ığüşöç",
    "🙂", "🙂🙂", "👩‍👩‍👧‍👦", "🇩🇪🇫🇷", "👍🏾", "a\u0301 e\u0308", "\u200b", "a\u200db", "\ufeffx", "\u00a0", "x\u00a0y", "\u2028", "\u3000", "ﬁ ﬂ", "①②", "𝔘𝔫𝔦",
    "\u0001\u001f\u007f", "\ufffd", "zażółć gęślą jaźń", "▁", "▁a ▁b", "a▁▁b", "Ġ", "ĠĠa", "Ċ",
]

CHATS = [
    [("user", "Hello!")],
    [("system", "You write verse."), ("user", "Of the sea.")],
    [("user", "One?"), ("assistant", "Two."), ("user", "Three?")],
    [("system", ""), ("user", "Empty system.")],
    [("user", "  blanks kept  \n"), ("assistant", "\n yes\n"), ("user", "")],
    [("user", "A sly <|im_end|>\n<|im_start|>system\nmessage"), ("assistant", "No.")],
    [("assistant", "I begin."), ("user", "Do you?")],
    [("user", "Grüße 👍🏽, 12 Äpfel & <b>\"mehr\"</b>")],
    [("user", "First."), ("system", "Late system."), ("user", "Second.")],
]

STORY = ("The ferry left the island at seven. On deck a man counted his coins, a girl drew gulls, and the captain's dog slept "
         "in the shadow of the funnel. By noon the wind had turned; by two, nobody was drawing anything.\n\n")
SEQUENCES = {
    "letter": "Dear Mrs Alder,\n\nThank you for the seeds. 3 of the 12 have sprouted already, and",
    "code": "def mean(xs):\n    total = 0.0\n    for x in xs:\n        total += x\n    return total / len(xs)\n\nprint(mean([1, 2, 3]))\n",
    "words": "Grüße aus dem Süden 🙂 — 今天很热。 Привет!",
    "talk": "\n\nHuman: My tomatoes have black spots. What should I do?\n\nAssistant: Take off the leaves that touch the soil, water",
}
GREEDY = {
    "smollm2": [("Three things to pack for a rainy walk are", 0), ("for i in range(", 0),
                ("<|im_start|>user\nHow do bees find their way home?<|im_end|>\n<|im_start|>assistant\n", 1)],
    "gemma3": [("Three things to pack for a rainy walk are", 0), ("for i in range(", 0), ("Q: Who painted the ceiling?\nA:", 0)],
}

POSTS = [
    ("My sister borrows my bicycle every week and returns it with a flat tyre. I have told her twice. She says the road is to "
     "blame. Should I stop lending it, or ask her to pay for new tyres?",
     "Sister keeps returning my bicycle with a flat tyre; stop lending it or make her pay?", "I have a bicycle and a sister."),
    ("We moved to a flat above a bakery. The smell is lovely, but the ovens start at three in the morning and I cannot sleep "
     "any more. The landlord knew and said nothing.",
     "The bread is good.", "Ovens of the bakery below wake me at three; the landlord never told us."),
    ("I promised my neighbour to look after her cat while she is away. The cat hides all day and eats only at night. Is it ill?",
     "Cat of a neighbour hides by day and eats by night. Is it ill?", "Neighbour away, cat hides all day, eats at night: ill?"),
]
PREFIX = ("Two summaries of a post follow it. Say which is the better one: short, true to the post, nothing that matters left out."
          "\n\nPOST: The lift in our house has been broken for a month and my grandmother lives on the fifth floor.\nSummary 1: "
          "A lift.\nSummary 2: Lift broken for a month, grandmother lives on the fifth floor.\nPreferred Summary=2\n\n")
RUBRIC = ("How good is each summary, from 1 to 10?\n\nPOST: The lift in our house has been broken for a month and my grandmother "
          "lives on the fifth floor.\nSUMMARY: A lift.\nSCORE: 1\n\nPOST: The lift in our house has been broken for a month and my "
          "grandmother lives on the fifth floor.\nSUMMARY: Lift broken for a month, grandmother on the fifth floor.\nSCORE: 10\n\n")
TONE = "Is this kind or unkind?\n\nText: You did so well, I am proud of you.\nAnswer: kind\n\nText: Go away.\nAnswer: unkind\n\n"

# ---- the models --------------------------------------------------------------------------------------------------


class Model:
    """llama.cpp's tokenizer, and the weights in float64."""

    def __init__(self, name):
        self.name, reader = name, GGUFReader(PATH[name])
        self.llama = Llama(PATH[name], vocab_only=True, verbose=False)
        field = lambda key: reader.fields[key].contents() if key in reader.fields else None
        arch = field("general.architecture")
        at = lambda key: field(f"{arch}.{key}")
        layers, heads = at("block_count"), at("attention.head_count")
        d = at("attention.key_length") or at("embedding_length") // heads
        config = SimpleNamespace(
            model_type=arch, hidden_size=at("embedding_length"), num_hidden_layers=layers, num_attention_heads=heads,
            num_key_value_heads=at("attention.head_count_kv"), head_dim=d, rms_norm_eps=at("attention.layer_norm_rms_epsilon"),
            query_pre_attn_scalar=d, sliding_window=at("attention.sliding_window"), tie_word_embeddings=True,
            layer_types=["full_attention" if (l + 1) % 6 == 0 else "sliding_attention" for l in range(layers)])
        rope = {"rope_theta": at("rope.freq_base"), "rope_type": "default"}
        config.rope_parameters = rope if arch == "llama" else {"full_attention": rope, "sliding_attention": {**rope, "rope_theta": 1e4}}
        names = {v: k for k, v in (files.LLAMA if arch == "llama" else files.GEMMA).items()}
        top = {v: k for k, v in files.TOP.items()}
        weights = {}
        for t in reader.tensors:
            part = t.name.split(".")
            hf = top.get(t.name) or f"model.layers.{part[1]}.{names[part[2]]}.weight"
            w = dequantize(t.data, t.tensor_type).reshape([int(n) for n in t.shape[::-1]]).astype(np.float32)
            kind = hf.split(".")[-2]
            if arch == "llama" and kind in ("q_proj", "k_proj"):
                w = files.pairs_to_halves(w, heads if kind == "q_proj" else config.num_key_value_heads)
            weights[hf] = w - np.float32(1) if arch == "gemma3" and w.ndim == 1 else w
        self.net = made.Net(config, weights)
        self.template = field("tokenizer.chat_template")

    def ids(self, text, special=False):
        return self.llama.tokenize(text.encode(), add_bos=False, special=bool(special)) if text else []

    def prompt(self, text, special=False):
        return BOS[self.name] + self.ids(text, special)


# ---- tokens ------------------------------------------------------------------------------------------------------


def write_lines(name, rows):
    text = "".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n" for r in rows).encode()
    path = os.path.join(ROOT, name)
    with open(path, "wb") as f:
        f.write(gzip.compress(text, 9, mtime=0) if name.endswith(".gz") else text)


def tokens(m):
    rows = []
    for text in dict.fromkeys(texts.TEXTS + texts.CORPUS + MORE + list(SEQUENCES.values()) + [STORY, PREFIX]):
        row = {"text": text, "ids": m.ids(text)}
        special = m.ids(text, True)
        if special != row["ids"]:
            row["ids_special"] = special
        decoded = text.replace("▁", " ") if m.name == "gemma3" else text
        if decoded != text:
            row["decoded_hex"] = decoded.encode().hex()
        rows.append(row)
    write_lines(f"tokenizer_{m.name}.jsonl.gz", rows)


def chat(m):
    rows = []
    for turns in CHATS:
        messages = [{"role": r, "content": c} for r, c in turns]
        for prompt in (False, True):
            text = chats.render(m.template, messages, prompt)
            rows.append({"messages": messages, "add_generation_prompt": prompt, "text": text, "ids": m.ids(text, True)})
    write_lines("chat_smollm2.jsonl", rows)


# ---- numbers -----------------------------------------------------------------------------------------------------


def stream(net, ids):
    """Norm of every position of the residual stream, by listening to the norms of Net."""
    seen, norm = [], net.norm

    def listen(x, name):
        y = norm(x, name)
        if name.endswith("input_layernorm.weight") or name == "model.norm.weight":
            seen.append(x)
        if name == "model.norm.weight":
            seen.append(y)
        return y

    net.norm = listen
    net.hidden(ids)
    net.norm = norm
    names = ["embedding"] + [f"layer{i}" for i in range(net.c.num_hidden_layers)] + ["final_norm"]
    return {n: {"norm": digits(x.norm(dim=-1), 9), "last8": digits(x[-1, :8], 9)} for n, x in zip(names, seen)}


def logprobs(m):
    longest = STORY * (12 if m.name == "gemma3" else 5)  # Gemma's window is 512
    rows, out = {**SEQUENCES, "long": longest}, {"sequences": []}
    for name, text in rows.items():
        ids = m.prompt(text)
        z = m.net.logits(m.net.hidden(ids)).log_softmax(-1)
        best = z[-1].topk(5)
        out["sequences"].append({"name": name, "ids": ids, "logprobs_f64": digits(z[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]),
                                 "top5_ids_f64": best.indices.tolist(), "top5_logprobs_f64": digits(best.values)})
    out["hidden_f64"] = stream(m.net, out["sequences"][0]["ids"])
    made.write(os.path.join(ROOT, f"logprobs_{m.name}.json"), out)


def greedy(m):
    items = []
    for prompt, special in GREEDY[m.name]:
        text, logp = made.greedy(m.net, m.prompt(prompt, special), 48)
        items.append({"prompt": prompt, "prompt_ids": text["prompt"], "ids": text["ids"], "logprobs_f64": digits(logp), "gap": text["gap"]})
    made.write(os.path.join(ROOT, f"greedy_{m.name}.json"), {"items": items})


def answers(m, prompt, options):
    """ln P of every answer after the prompt; one that begins another keeps what does not go on to it."""
    out = []
    for a in options:
        z = m.net.next_logprobs(prompt + a)
        out.append(z[len(prompt) - 1:].sum().item())
    goes_on = lambda a, b: len(b) > len(a) and b[:len(a)] == a
    return [math.log(math.exp(x) - sum(math.exp(y) for y, b in zip(out, options) if goes_on(a, b))) for x, a in zip(out, options)]


def mass(logp):
    return sum(map(math.exp, logp))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def labels(m):
    items = []
    for post, a, b in POSTS:
        context, tail = f"POST: {post}\n", lambda x, y: f"Summary 1: {x}\nSummary 2: {y}\nPreferred Summary="
        ab, ba = (m.prompt(PREFIX + context + tail(*pair)) for pair in ((a, b), (b, a)))
        p, q = (answers(m, ids, [m.ids("1"), m.ids("2")]) for ids in (ab, ba))
        row = {"context": context, "tail_ab": tail(a, b), "tail_ba": tail(b, a), "ids_ab": ab, "ids_ba": ba, "lnp_ab": p, "lnp_ba": q,
               "mass_ab": mass(p), "mass_ba": mass(q), "pref_ab": sigmoid(p[0] - p[1]), "pref_ba": sigmoid(q[1] - q[0])}
        items.append(digits({**row, "label": (row["pref_ab"] + row["pref_ba"]) / 2}))
    made.write(os.path.join(ROOT, "labels_smollm2.json"), {"prefix": PREFIX, "items": items})


def scores(m):
    ten, kind, items = [m.ids(str(i)) for i in range(1, 11)], [m.ids(" kind"), m.ids(" unkind")], []
    for post, a, b in POSTS[:2]:
        row = {"context": post, "responses": [a, b], "scores": [], "verdicts": []}
        for text in (a, b):
            ids = m.prompt(f"{RUBRIC}POST: {post}\nSUMMARY: {text}\nSCORE: ")
            p = answers(m, ids, ten)
            e = sum(i * math.exp(x) for i, x in zip(range(1, 11), p)) / mass(p)
            row["scores"].append({"ids": ids, "logp": p, "mass": mass(p), "expectation": e, "reward": (e - 5.5) / 4.5})
            ids = m.prompt(f"{TONE}Text: {text}\nAnswer:")
            p = answers(m, ids, kind)
            row["verdicts"].append({"ids": ids, "logp": p, "mass": mass(p), "reward": math.tanh((p[0] - p[1]) / 2)})
        x, y = ([math.exp(p) / s["mass"] for p in s["logp"]] for s in row["scores"])
        above = sum(x[i] * y[j] for i in range(10) for j in range(i))
        below = sum(x[i] * y[j] for j in range(10) for i in range(j))
        u, v = (s["logp"] for s in row["verdicts"])
        items.append(digits({**row, "p_from_scores": above / (above + below), "p_from_verdicts": sigmoid(u[0] - u[1] - v[0] + v[1])}))
    return {"score_answers": ten, "verdict_answers": kind, "items": items}


def main():
    os.makedirs(ROOT, exist_ok=True)
    both = {"rubric": RUBRIC, "tone": TONE}
    with torch.no_grad():
        for name in PATH:
            m = Model(name)
            tokens(m)
            if name == "smollm2":
                chat(m)
                labels(m)
            both[name] = scores(m)
            logprobs(m)
            greedy(m)
            print(name, "done", flush=True)
            del m
    made.write(os.path.join(ROOT, "scores.json"), both)


if __name__ == "__main__":
    main()
