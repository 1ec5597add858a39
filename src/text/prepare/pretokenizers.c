/* The pre-tokenizers that GGUF files know by name, as llama.cpp reads them.
 *
 * It matches patterns with categories (\p{L}) on a text whose characters beyond ASCII are their categories, and sees
 * every white space beyond ASCII as a control character. So \d, \b, a-z and A-Z are ASCII's, \p{Lu} and \p{Ll} are
 * \p{L}, and ranges of characters hold no white space: patterns are written here as they work there. */
#include "text/prepare/pretokenizers.h"

#include "base/str.h"

const char *const GPT2_PATTERN = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/* The contractions are spelt out: (?i:'s) would match U+017F too. */
#define CONTRACTION "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define WORDS       "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define MARKED      "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+"
#define SIGNS       " ?[^\\s\\p{L}\\p{N}]+"
#define BLANKS      "|\\s+(?!\\S)|\\s+"
#define LINES       "|\\s*[\\r\\n]+" BLANKS
#define QWEN2_REST  "|\\p{N}|" SIGNS "[\\r\\n]*" LINES
#define LLAMA3      CONTRACTION "|" WORDS "|\\p{N}{1,3}|" SIGNS "[\\r\\n]*" LINES
#define QWEN2       CONTRACTION "|" WORDS QWEN2_REST

/* Words in which capitals come before small letters: [^\P{L}a-z] is a letter but a to z. */
#define CASED(upper, lower, end)                                                                                       \
    "[^\\r\\n\\p{L}\\p{N}]?" upper "*" lower "+" end "|[^\\r\\n\\p{L}\\p{N}]?" upper "+" lower "*" end
#define UPPER                "[^\\P{L}a-z]"
#define LOWER                "[^\\P{L}A-Z]"
#define OR_MARK(letter)      "(?:" letter "|\\p{M})"
#define GPT4O_REST           "|\\p{N}{1,3}|" SIGNS "[\\r\\n/]*" LINES
#define ASCII_SIGN_WITH_WORD "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
/* A tilde is no sign there. */
#define SIGN_WORDS ASCII_SIGN_WITH_WORD "|(?:[^\\r\\n\\p{L}\\p{P}\\p{S}]|~)?[\\p{L}\\p{M}]+| ?(?:\\p{P}|[^\\P{S}~])+"

/* Blocks of scripts, without white space. */
#define HAN_KANA "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"
#define BEYOND_LATIN                                                                                                   \
    "[\u0800-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff\u3001-\u9fa5\uac00-\ud7ff]+"
#define FINNISH " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"

/* Letters that have cases. */
#define CASED_LETTERS                                                                                                  \
    "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373"     \
    "\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f"     \
    "\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77"         \
    "\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d"    \
    "\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4"   \
    "\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"      \
    "\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d"     \
    "\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a"         \
    "\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"                \
    "\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943]+"

/* "" stands for GPT2_PATTERN. */
static const Pretokenizer known[] = {
    {"gpt-2|phi-2|mpt|olmo|jais|trillion|gigachat|exaone4|granite-docling|mellum|modern-bert|a.x-4.0|roberta-bpe|"
     "jina-v1-en|jina-v2-code|jina-v2-es|jina-v2-de|jina-es|jina-de",
     .pattern = {""}},
    {"smollm|starcoder|refact|command-r|codeshell|exaone|minerva-7b|mellum2", .digits = true, .pattern = {""}},
    {"llama-bpe|llama3|llama-v3|falcon3|falcon-h1|pixtral|midm-2.0|lfm2|jina-v5-nano", .pattern = {LLAMA3},
     .ignore_merges = true, .adds_bos = true},
    {"dbrx|smaug-bpe|glm4|chatglm-bpe", .pattern = {LLAMA3}},
    {"qwen2|deepseek-r1-qwen|stablelm2|megrez|kormo|f2llmv2|hunyuan|solar-open|grok-2", .pattern = {QWEN2}},
    {"qwen35", .pattern = {CONTRACTION "|" MARKED "|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*" LINES}},
    {"tekken", .pattern = {CASED(UPPER, LOWER, "") "|\\p{N}|" SIGNS "[\\r\\n/]*" LINES}, .ignore_merges = true,
     .adds_bos = true},
    {"gpt-4o|llama4|kanana2|talkie|minimax-m2", .pattern = {CASED(UPPER, LOWER, CONTRACTION "?") GPT4O_REST}},
    {"granite-embed-multi-97m", .pattern = {CASED(OR_MARK(UPPER), OR_MARK(LOWER), CONTRACTION "?") GPT4O_REST},
     .ignore_merges = true},
    {"deepseek-llm",
     .pattern = {"[\\r\\n]", CASED_LETTERS, "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3001\u3002]+", "\\s+$",
                 BEYOND_LATIN, "\\p{N}+"}},
    {"deepseek-coder", .pattern = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", BEYOND_LATIN, "\\p{N}"}},
    {"deepseek-v3|hunyuan-dense|joyai-llm|hy_v4", .pattern = {"\\p{N}{1,3}", HAN_KANA, SIGN_WORDS "[\\r\\n]*" LINES}},
    {"spark2_5", .pattern = {"\\p{N}{1,3}", HAN_KANA, SIGN_WORDS "|[\\r\\n]" BLANKS, "\\p{N}"}},
    {"seed-coder", .pattern = {CONTRACTION "|" WORDS "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" LINES}},
    {"viking", .pattern = {FINNISH, "\\p{N}"}},
    {"poro-chat|bloom|gpt3-finnish", .pattern = {FINNISH}},
    {"falcon", .pattern = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", "", "[0-9][0-9][0-9]"}},
    {"superbpe", .pattern = {"\\p{N}+", "(?=(?:[0-9]{3})+(?![0-9]))"}},
    {"bailingmoe|bailingmoe2|llada-moe",
     .pattern = {"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|" WORDS "|\\p{N}|" SIGNS "[\\r\\n]*|\\s*[\\r\\n]" BLANKS}},
    {"tiny_aya|cohere2moe",
     .pattern = {"[0-9]{1,3}(?=(?:[0-9]{3})*(?![0-9A-Za-z_]))", MARKED CONTRACTION "?" GPT4O_REST}},
    {"youtu",
     .pattern = {"[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c"
                 "\u3001-\u303f\ufe30-\ufe4f]+|[\u3105-\u312f]+|" HAN_KANA,
                 MARKED CONTRACTION "?|\\p{N}|" SIGNS "[\\r\\n/]*" LINES},
     .ignore_merges = true},
    {"exaone-moe", .pattern = {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}|" SIGNS
                                           "[\\r\\n/]?|\\s*[\\r\\n]" BLANKS}},
    {"minicpm5", .pattern = {"\\p{N}{1,3}", CONTRACTION "|" WORDS "|\\p{N}+|" SIGNS "[\\r\\n]*" LINES},
     .ignore_merges = true},
    {"jais-2",
     .pattern = {CONTRACTION "|" WORDS "|\\p{N}{1,3}|" SIGNS "[\\r\\n]*|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|"
                             "\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|"
                             "\\s{1,2}(?!\\S)|\\s{1}"}},
    {"ufakzeka", .pattern = {WORDS QWEN2_REST}},
    {"laguna", .pattern = {"[^\\n]+|[\\n]+", QWEN2}},
    {"afmoe",
     .pattern = {"\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))",
                 "[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-"
                 "\u0e7f\u0e80-\u0eff\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+",
                 SIGN_WORDS "[\\r\\n]*" LINES}},
    {"chameleon",
     .pattern = {"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", ""},
     .adds_bos = true},
    {"default", .pattern = {"[\\p{P}\\$\\+<=>\\^~\\|]+", "", "\\p{N}+", "[0-9][0-9][0-9]"}},
};

static bool is_among(const char *names, const char *name)
{
    size_t n = strlen(name), len;
    for (; *names; names += len + (names[len] == '|')) {
        len = strcspn(names, "|");
        if (len == n && !memcmp(names, name, n))
            return true;
    }
    return false;
}

bool pretokenizer_find(const Pretokenizer **out, const char *name, Err *err)
{
    Str some = {0};
    for (int i = 0; i < COUNT(known); i++) {
        *out = &known[i];
        if (is_among(known[i].names, name ? name : "default")) {
            str_release(&some);
            return true;
        }
        str_addf(&some, "%s%.*s", i ? ", " : "", (int)strcspn(known[i].names, "|"), known[i].names);
    }
    *out = NULL;
    err_set(err, ERR_INPUT, "the pre-tokenizer \"%.100s\" is unknown", name);
    err_hint(err, "known are %s, and what llama.cpp reads in the same way as one of them", str_text(&some));
    str_release(&some);
    return false;
}

const Pretokenizer *pretokenizer_at(int i)
{
    return i < COUNT(known) ? &known[i] : NULL;
}

bool pretokenizer_splits(const Pretokenizer *p, Splits *out, Err *err)
{
    if (p->digits && !splits_add(out, "\\p{N}", false, SPLIT_ISOLATED, false, err))
        return false;
    for (int i = 0; i < MOST_PATTERNS && p->pattern[i]; i++) {
        const char *pattern = p->pattern[i][0] ? p->pattern[i] : GPT2_PATTERN;
        if (!splits_add(out, pattern, false, SPLIT_ISOLATED, false, err))
            return false;
    }
    return true;
}
