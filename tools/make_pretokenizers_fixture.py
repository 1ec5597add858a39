"""Writes tests/fixtures/pretokenizers.json: texts cut into words as llama.cpp's std::regex cuts them.

usage: python tools/make_pretokenizers_fixture.py   (in the project's root; needs nothing but Python)

A model of its engine: a pattern with categories (\\p{L}) is matched on the text with every character beyond ASCII replaced by
one for its category, with white space beyond ASCII as a vertical tab; any other pattern on the text with such white space so.
The patterns are as the format has them."""
import json
import re
import unicodedata

C = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
REST4O = r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = C + "|" + WORDS + r"|\p{N}{1,3}" + REST
QWEN2 = C + "|" + WORDS + r"|\p{N}" + REST
SIGNS = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"""
LINES = r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CJK = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
KANA = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
FINNISH = " ?[^(\\s|.,!?…。，、।۔،)]+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"


def cased(upper, lower, end):
    return rf"[^\r\n\p{{L}}\p{{N}}]?{upper}*{lower}+{end}|[^\r\n\p{{L}}\p{{N}}]?{upper}+{lower}*{end}"


def letters(classes, end):
    return cased(f"((?=[{classes}])([^a-z]))", f"((?=[{classes}])([^A-Z]))", end)


PATTERNS = {
    "gpt-2": [GPT2], "smollm": [r"\p{N}", GPT2], "llama-bpe": [LLAMA3], "dbrx": [LLAMA3], "qwen2": [QWEN2],
    "qwen35": [C + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+" + LINES],
    "tekken": [letters(r"\p{L}", "") + r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "gpt-4o": [letters(r"\p{L}", C + "?") + REST4O],
    "granite-embed-multi-97m": [letters(r"\p{L}\p{M}", C + "?") + REST4O],
    "deepseek-llm": ["[\r\n]", "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳΑ-ΡΣ-ϵЀ-ҁＡ-Ｚａ-ｚ]+",
                     "\\s?[!-/:-~！-／：-～‘-‟\u3000-。]+", r"\s+$", CJK, r"\p{N}+"],
    "deepseek-coder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", CJK, r"\p{N}"],
    "deepseek-v3": [r"\p{N}{1,3}", KANA, SIGNS + LINES],
    "spark2_5": [r"\p{N}{1,3}", KANA, SIGNS + r"|[\r\n]|\s+(?!\S)|\s+", r"\p{N}"],
    "seed-coder": [C + "|" + WORDS + r"|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+"],
    "viking": [FINNISH, r"\p{N}"], "poro-chat": [FINNISH],
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"],
    "default": [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"],
    "superbpe": [r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
    "bailingmoe": [r"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|" + WORDS +
                   r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"],
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", cased(UPPER, LOWER, C + "?") + REST4O],
    "youtu": ["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" + KANA,
              cased(UPPER, LOWER, C + "?") + REST4O.replace("{1,3}", "")],
    "exaone-moe": [C + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|"
                   r"\s*[\r\n]|\s+(?!\S)|\s+"],
    "minicpm5": [r"\p{N}{1,3}", C + "|" + WORDS + r"|\p{N}+" + REST],
    "jais-2": [C + "|" + WORDS + r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|"
               r"\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}"],
    "ufakzeka": [WORDS + r"|\p{N}" + REST], "laguna": [r"[^\n]+|[\n]+", QWEN2],
    "afmoe": ["groups of three from the right",
              "[一-鿿㐀-䶿豈-\ufaff\u3040-\u30ff･-ﾟ\u2f00-\u2fdf\u0e40-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f"
              "\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+", SIGNS + LINES],
    "chameleon": ["<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", r"([\t\n]|    |  )", r"\p{N}",
                  r"[\p{P}!-/:-@\[-`{-~]", GPT2],
}

TEXTS = ["I'VE we'll 12345 tEa ÉTé éÉ a\u0301b\u0301c\u3000x 2½", "a ~~ ~b.\n\n/c  1 中文かな「字」한글, (e)!\r\n  ",
         "IMGIMGABZ<sentinel:7>    \t  x\n", "x1234567 1234567x é1234", "foo();\n//bar\n\n\n  baz\u2003\u2003q: “ok”…",
         "\u0391\u03b2 Жж ǅ ＡＢ！ ʔ\u0930\u093e", "don't DON'T d'accord l'ÉTÉ", "        12 " + " " * 19 + "y"]

SPACE = {*range(9, 14), 0x20, 0x85, 0xa0, 0x1680, *range(0x2000, 0x200b), 0x2028, 0x2029, 0x202f, 0x205f, 0x3000}
SIGN = {"N": "\xd1", "L": "\xd2", "P": "\xd3", "M": "\xd4", "S": "\xd5"}
ASCII = {"N": "0-9", "L": "A-Za-z", "P": r"!-#%-*,-/:-;?-@\[-\]_\{\}", "M": "", "S": r"\$\+<->\^`\|"}


def collapsed(text):
    return "".join(c if ord(c) < 128 else "\v" if ord(c) in SPACE else SIGN.get(unicodedata.category(c)[0], "\xd0")
                   for c in text)


def collapsed_pattern(pattern):
    out, inside, i = "", False, 0
    while i < len(pattern):
        escaped = i > 0 and pattern[i - 1] == "\\"
        if pattern[i] in "[]" and not escaped:
            inside = pattern[i] == "["
        category = re.match(r"\\p\{([A-Z])[a-z]?\}", pattern[i:])
        if category:
            members = SIGN[category[1]] + ASCII[category[1]]
            out += members if inside else f"[{members}]"
            i += category.end()
        else:
            out += pattern[i]
            i += 1
    return out


def cut(text, pattern):
    """The lengths of the pieces."""
    if pattern == PATTERNS["afmoe"][0]:
        lengths = []
        for run in re.finditer("N+|[^N]+", "".join(unicodedata.category(c)[0] for c in text)):
            n = run.end() - run.start()
            lengths += [n] if run[0][0] != "N" else [n % 3] * (n % 3 > 0) + [3] * (n // 3)
        return lengths
    shown = collapsed(text) if r"\p{" in pattern else "".join("\v" if ord(c) > 127 and ord(c) in SPACE else c for c in text)
    pattern = collapsed_pattern(pattern) if r"\p{" in pattern else pattern
    lengths, done = [], 0
    for match in re.finditer(pattern, shown, re.ASCII):
        lengths += [match.start() - done, match.end() - match.start()]
        done = match.end()
    return [n for n in [*lengths, len(text) - done] if n]


def pieces(text, patterns):
    parts = [text]
    for pattern in patterns:
        new = []
        for part in parts:
            for n in cut(part, pattern):
                new.append(part[:n])
                part = part[n:]
        parts = new
    return parts


def main():
    rows = [json.dumps([name, text, pieces(text, patterns)], ensure_ascii=False)
            for name, patterns in PATTERNS.items() for text in TEXTS]
    with open("tests/fixtures/pretokenizers.json", "w", encoding="utf-8") as f:
        f.write("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    main()
