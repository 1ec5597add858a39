"""Makes tests/fixtures/tokenizers/: small tokenizer.json files of every kind, with texts and their ids.

usage: python tools/make_tokenizer_fixtures.py [folder]     (needs `pip install tokenizers sentencepiece`;
                                                            0.23.3 and 0.2.3 were used)

Each file has `tokenizer` (the text of tokenizer.json as an object) and `cases`: `text`, `ids` (special tokens
read as text), `special` (parsed; absent where equal), `decoded` (of `special`; absent where equal to `text`).
"""
import json
import os
import sys
import tempfile

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = os.path.dirname(__file__)
OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "tests", "fixtures", "tokenizers")

CORPUS = """The kettle is on the stove, and the water's warm. Don't touch the handle: it's hot!
I've seen 12 birds on 3 wires; they weren't singing. We'll count them again in 2024, she said.
A garden needs water, sun and patience. The gardener waters the garden in the morning.
Über die Brücke gehen zwei Männer. Le café est fermé, mais le thé est chaud. 今天天气很好。
def add(a, b):
    return a + b    # the sum
for (int i = 0; i < n; i++) { sum += x[i]; }
""".split("\n")

TEXTS = [
    "", " ", "  ", "   ", "\n", "\n\n", " \n ", "\t\tx", "a", " a", "a ", "  a  b  ", "The kettle",
    "the  kettle's on.", "I'VE seen 1234 birds, don't you know", "x\n\n2. y", "3.14 and 1e-10", "  12",
    "Über café e\u0301 thé", "今天 weather 很好。", "👍🏽 ok", "for (i = 0; i < n; i++) {\n    x[i] += 1;\n}", "<|end|>",
    "a<|end|>b", "a <|end|> b <|end|>", "<|begin|>Hi<|end|>\n", "<|e", "<tag>", "x<tag>y", " <tag> ", "▁", "a▁b",
    "▁▁ ▁", "'s 's'", "water" * 15, "garden" * 9 + "s", "a\u00a0b\u3000c", "\u0378\U000e0001", "…—“x”",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", " " * 20, "x" + " " * 19 + "y", "ǅ ſ K", "１２３ ½ Ⅳ",
    "a\u180e  \u180e\u0085 b", "a x xx  x", "a▁z z", "a▁x", "qq aqq qq qqq", "2*3 *(*)",
    "i<n;i++ {x} [y] (z), on. on; handle: hot!",
]

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|begin|>", "<|end|>"]


def train(tok, size, alphabet=()):
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False,
                                                        initial_alphabet=list(alphabet)))
    return tok


def byte_level(size=340, **model):
    tok = Tokenizer(models.BPE(**model))
    tok.decoder = decoders.ByteLevel()
    return tok, lambda: train(tok, size, pre_tokenizers.ByteLevel.alphabet())


def begin(tok):
    return processors.TemplateProcessing(single="<|begin|> $A", pair="<|begin|> $A $B",
                                         special_tokens=[("<|begin|>", tok.token_to_id("<|begin|>"))])


def digits():
    tok, go = byte_level()
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return go()


def llama3():
    tok, go = byte_level(ignore_merges=True)
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    go()
    tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), begin(tok)])
    # a word that no merge makes: only ignore_merges finds it
    state = json.loads(tok.to_str())
    state["model"]["vocab"]["birdsongs"] = len(state["model"]["vocab"])
    return Tokenizer.from_str(json.dumps(state))


def nfc():
    tok, go = byte_level()
    tok.normalizer = normalizers.NFC()
    words = Regex(LLAMA3.replace("{1,3}", ""))
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(words, "removed", invert=True),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    go()
    tok.add_tokens([AddedToken("<tag>", normalized=False)])
    return tok


def prefixed():
    tok, go = byte_level()
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    go()
    tok.add_tokens([AddedToken("  ", normalized=True), AddedToken("    ", normalized=True),
                    AddedToken("<tag>", lstrip=True, rstrip=True)])
    return tok


def sentencepiece(size, **model):
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, **model))
    special = ["<unk>", *SPECIAL] + ([f"<0x{i:02X}>" for i in range(256)] if model else [])
    return tok, lambda: tok.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, special_tokens=special,
                                                                            show_progress=False))


def only_special(tok):
    """Byte tokens were special for the trainer only."""
    state = json.loads(tok.to_str())
    state["added_tokens"] = [t for t in state["added_tokens"] if not t["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(state))


def llama2():
    tok, go = sentencepiece(560, byte_fallback=True)
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
                                     decoders.Strip(" ", 1, 0)])
    go()
    tok = only_special(tok)
    tok.add_tokens([AddedToken("qq", normalized=True)])
    tok.post_processor = begin(tok)
    return tok


def gemma():
    tok, go = sentencepiece(560, byte_fallback=True)
    tok.normalizer = normalizers.Replace(" ", "▁")
    tok.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    go()
    tok = only_special(tok)
    tok.add_tokens([AddedToken("\n\n", normalized=False), AddedToken("<tag>", normalized=False),
                    AddedToken(" x", normalized=True), AddedToken("▁z", normalized=False)])
    return tok


def metaspace(scheme, split):
    tok, go = sentencepiece(560, byte_fallback=True)
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
    tok.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()] +
                                    ([] if scheme == "never" else [decoders.Strip(" ", 1, 0)]))
    go()
    return only_special(tok)


def characters():
    """No bytes to fall back to: unknown characters, and every behaviour of Split."""
    tok, go = sentencepiece(260)
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Metaspace(prepend_scheme="never", split=False), pre_tokenizers.Digits(),
        pre_tokenizers.Split(Regex(r"[.,;:!]"), "merged_with_previous"),
        pre_tokenizers.Split(Regex(r"[({\[]"), "merged_with_next"),
        pre_tokenizers.Split(Regex(r"[+=<>]"), "contiguous"), pre_tokenizers.Split("*", "removed"),
        pre_tokenizers.Split(Regex(r"(?=r)"), "isolated")])
    tok.decoder = decoders.Metaspace(prepend_scheme="never")
    go()
    return tok


def added(normalizer):
    """Added tokens of every kind, in each other's way. Those that are normalized are looked for after the others."""
    tok, go = byte_level(ignore_merges=True)
    tok.normalizer = normalizer
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False)])
    go()
    tok.add_special_tokens([AddedToken("<|mask|>", lstrip=True, rstrip=True, normalized=False),
                            AddedToken("<|late|>", lstrip=True, normalized=True),
                            AddedToken("<|one|>", single_word=True, normalized=False)])
    tok.add_tokens([AddedToken("<h>", normalized=False), AddedToken("ab<", normalized=True),
                    AddedToken("mask|>", normalized=False), AddedToken("late|", normalized=True),
                    AddedToken("bird", single_word=True), AddedToken("sun", single_word=True, lstrip=True),
                    AddedToken("\n", lstrip=True, normalized=False), AddedToken("\t", rstrip=True, normalized=False),
                    AddedToken("\u00e9t", normalized=True)])
    return tok


def falcon():
    """What stands behind ByteLevel sees GPT-2's alphabet, in which some bytes are digits."""
    tok, go = byte_level()
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.ByteLevel(add_prefix_space=False),
        pre_tokenizers.Digits(individual_digits=False), pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    return go()


def patterns():
    """Replacing by patterns, stripping, and patterns with lines, words and classes in classes."""
    tok, go = byte_level()
    tok.normalizer = normalizers.Sequence([
        normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " _ "), normalizers.Replace(Regex("(?<=[^ae])(?=t)"), "-"),
        normalizers.Replace(Regex(r"[\p{P}&&[^-_.,']]"), "")])
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"\s+$"), "isolated"), pre_tokenizers.Split(Regex(r"\b[[aA]x]\b"), "isolated"),
        pre_tokenizers.Punctuation(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    go()
    tok.add_tokens([AddedToken("a  b", normalized=True), AddedToken("  x", normalized=False)])
    return tok


def dropped():
    """Bytes without a token are left out, and what stands about them is merged."""
    tok, go = byte_level()
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return train(tok, 120)


def small_charsmap():
    """A map of a few characters, as SentencePiece compiles it."""
    import io
    import base64
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    rules = {"\t": " ", "\n": " ", "\u3000": " ", "\u00e9": "e\u0301", "e\u0301": "E", "\uff11": "1", "\u2026": "...", "\u00bd": "1/2",
             "\u200d": "", "fo": "ph", "K": "k"}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rules.tsv")
        with open(path, "w") as f:
            for a, b in rules.items():
                f.write(" ".join(f"{ord(c):X}" for c in a) + "\t" + " ".join(f"{ord(c):X}" for c in b) + "\n")
        out = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(CORPUS * 3), model_writer=out, vocab_size=75,
                                                 normalization_rule_tsv=path, minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto.FromString(out.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


def unigram_of(size, tok, special):
    tok.train_from_iterator(CORPUS, trainers.UnigramTrainer(vocab_size=size, special_tokens=special, unk_token="<unk>",
                                                            show_progress=False))
    return tok


def unigram():
    """As transformers converts SentencePiece's unigram models."""
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Sequence([normalizers.Precompiled(small_charsmap()), normalizers.Strip(left=False),
                                           normalizers.Replace(Regex(" {2,}"), "\u2581")])
    tok.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tok.decoder = decoders.Metaspace(prepend_scheme="always")
    unigram_of(150, tok, ["<unk>", *SPECIAL])
    tok.add_tokens([AddedToken("<tag>", normalized=False)])
    tok.post_processor = begin(tok)
    return tok


def unigram_bytes():
    """Bytes for what is unknown; words at white space."""
    tok = Tokenizer(models.Unigram())
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tok.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
                                     decoders.Strip(" ", 1, 0)])
    unigram_of(120, tok, ["<unk>", *SPECIAL])
    state = json.loads(tok.to_str())
    state["model"]["byte_fallback"] = True
    state["model"]["vocab"] += [[f"<0x{i:02X}>", 0.0] for i in range(256)]
    return Tokenizer.from_str(json.dumps(state))


# where one token takes the blanks in which others stand, tokenizers 0.23.3 panics
ADDED = ["ab<h>", "ab<", "ab<|mask|>", "x <|mask|> y", " \u3000<|mask|>\t y", "<|mask|><|mask|>", "a <|late|> b",
         "ab<|late|>", "<|one|>", "a<|one|>", "<|one|>1", "- <|one|> -", "<|one|>_", "<|one|>\u0301", "bird", "birds",
         "a bird.", "1bird2", "_bird", "\u24d0bird", "\u00e9bird bird", "sun sun  sun", "the sun", "sunsun", " \n",
         "\t\n", "\t\t", "a\t \t b", "\n <|mask|> ", "e\u0301t\u00e9", "\u00e9t e\u0301t", "<|la<|late|>", "<|mask<|mask|>",
         "mask|>"]

MAKERS = {"digits": digits, "llama3": llama3, "nfc": nfc, "prefixed": prefixed, "llama2": llama2, "gemma": gemma,
          "metaspace_first": lambda: metaspace("first", True), "metaspace_always": lambda: metaspace("always", False),
          "characters": characters, "falcon": falcon, "patterns": patterns, "dropped": dropped, "unigram": unigram,
          "unigram_bytes": unigram_bytes, "added": lambda: added(None), "added_nfc": lambda: added(normalizers.NFC())}


def without_special(tok):
    """Special tokens of a unigram model are found in plain text, too, where they are not called otherwise."""
    state = json.loads(tok.to_str())
    if state["model"]["type"] == "Unigram":
        for token in [t for t in state["added_tokens"] if t["special"]]:
            state["model"]["vocab"][token["id"]][0] = chr(0xE000 + token["id"])
            state["added_tokens"].remove(token)
        state["post_processor"] = None
    plain = Tokenizer.from_str(json.dumps(state))
    plain.encode_special_tokens = True
    return plain


def case(tok, plain, text):
    ids = plain.encode(text, add_special_tokens=False).ids
    special = tok.encode(text, add_special_tokens=False).ids
    row = {"text": text, "ids": ids}
    if special != ids:
        row["special"] = special
    decoded = tok.decode(special, skip_special_tokens=False)
    if decoded != text:
        row["decoded"] = decoded
    return row


def main():
    os.makedirs(OUT, exist_ok=True)
    for name, make in MAKERS.items():
        tok = make()
        state = json.loads(tok.to_str())
        if name == "nfc":  # older files write merges as texts
            state["model"]["merges"] = [" ".join(m) for m in state["model"]["merges"]]
        plain = without_special(tok)
        texts = TEXTS + (["birdsongs", "birdsong"] if name == "llama3" else ADDED if name.startswith("added") else [])
        with open(os.path.join(OUT, name + ".json"), "w", encoding="utf-8") as f:
            f.write('{"tokenizer": ' + json.dumps(state, ensure_ascii=False) + ',\n"cases": [\n')
            f.write(",\n".join(json.dumps(case(tok, plain, t), ensure_ascii=False) for t in texts) + "\n]}\n")


if __name__ == "__main__":
    main()
