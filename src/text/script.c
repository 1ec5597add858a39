/* Scripts and emoji. */
#include "text/script.h"

#include "text/character.h"

#include <utf8proc.h>

/* --- scripts -------------------------------------------------------------------------------------------- */

/* clang-format off */
enum {
    LATIN, GREEK, CYRILLIC, ARMENIAN, HEBREW, ARABIC, SYRIAC, THAANA, NKO, DEVANAGARI, BENGALI, GURMUKHI,
    GUJARATI, ORIYA, TAMIL, TELUGU, KANNADA, MALAYALAM, SINHALA, THAI, LAO, TIBETAN, MYANMAR, GEORGIAN, HANGUL,
    ETHIOPIC, CHEROKEE, CANADIAN, OGHAM, RUNIC, KHMER, MONGOLIAN, GLAGOLITIC, COPTIC, TIFINAGH,
    CHINESE_JAPANESE, BOPOMOFO, YI, VAI, GOTHIC, CUNEIFORM, HIEROGLYPHS, OTHER, NONE
};

/* Blocks of letters in order, by the first of each; a block ends where the next begins. */
static const struct {
    utf8proc_int32_t first;
    int script;
} blocks[] = {
    {0, LATIN}, {0x2B0, NONE}, {0x370, GREEK}, {0x400, CYRILLIC}, {0x530, ARMENIAN}, {0x590, HEBREW},
    {0x600, ARABIC}, {0x700, SYRIAC}, {0x750, ARABIC}, {0x780, THAANA}, {0x7C0, NKO}, {0x800, OTHER},
    {0x860, SYRIAC}, {0x870, ARABIC}, {0x900, DEVANAGARI}, {0x980, BENGALI}, {0xA00, GURMUKHI},
    {0xA80, GUJARATI}, {0xB00, ORIYA}, {0xB80, TAMIL}, {0xC00, TELUGU}, {0xC80, KANNADA}, {0xD00, MALAYALAM},
    {0xD80, SINHALA}, {0xE00, THAI}, {0xE80, LAO}, {0xF00, TIBETAN}, {0x1000, MYANMAR}, {0x10A0, GEORGIAN},
    {0x1100, HANGUL}, {0x1200, ETHIOPIC}, {0x13A0, CHEROKEE}, {0x1400, CANADIAN}, {0x1680, OGHAM},
    {0x16A0, RUNIC}, {0x1700, OTHER}, {0x1780, KHMER}, {0x1800, MONGOLIAN}, {0x18B0, CANADIAN}, {0x1900, OTHER},
    {0x1C80, CYRILLIC}, {0x1C90, GEORGIAN}, {0x1CC0, OTHER}, {0x1D00, LATIN}, {0x1F00, GREEK}, {0x2000, NONE},
    {0x2C00, GLAGOLITIC}, {0x2C60, LATIN}, {0x2C80, COPTIC}, {0x2D00, GEORGIAN}, {0x2D30, TIFINAGH},
    {0x2D80, ETHIOPIC}, {0x2DE0, CYRILLIC}, {0x2E00, NONE}, {0x2E80, CHINESE_JAPANESE}, {0x3100, BOPOMOFO},
    {0x3130, HANGUL}, {0x3190, NONE}, {0x31A0, BOPOMOFO}, {0x31C0, CHINESE_JAPANESE}, {0x3200, NONE},
    {0x3400, CHINESE_JAPANESE}, {0x4DC0, NONE}, {0x4E00, CHINESE_JAPANESE}, {0xA000, YI}, {0xA4D0, OTHER},
    {0xA500, VAI}, {0xA640, CYRILLIC}, {0xA6A0, OTHER}, {0xA720, LATIN}, {0xA800, OTHER}, {0xA8E0, DEVANAGARI},
    {0xA900, OTHER}, {0xA960, HANGUL}, {0xA980, OTHER}, {0xA9E0, MYANMAR}, {0xAA00, OTHER}, {0xAA60, MYANMAR},
    {0xAA80, OTHER}, {0xAB00, ETHIOPIC}, {0xAB30, LATIN}, {0xAB70, CHEROKEE}, {0xABC0, OTHER}, {0xAC00, HANGUL},
    {0xD800, NONE}, {0xF900, CHINESE_JAPANESE}, {0xFB00, LATIN}, {0xFB13, ARMENIAN}, {0xFB1D, HEBREW},
    {0xFB50, ARABIC}, {0xFE00, NONE}, {0xFE70, ARABIC}, {0xFF00, LATIN}, {0xFF66, CHINESE_JAPANESE},
    {0xFFA0, HANGUL}, {0xFFE0, NONE}, {0x10000, OTHER}, {0x10330, GOTHIC}, {0x10350, OTHER},
    {0x12000, CUNEIFORM}, {0x13000, HIEROGLYPHS}, {0x14400, OTHER}, {0x1AFF0, CHINESE_JAPANESE},
    {0x1B170, OTHER}, {0x1D000, NONE}, {0x1E000, GLAGOLITIC}, {0x1E030, CYRILLIC}, {0x1E100, OTHER},
    {0x1E7E0, ETHIOPIC}, {0x1E800, OTHER}, {0x1EC70, NONE}, {0x20000, CHINESE_JAPANESE}, {0x323B0, NONE}
};
/* clang-format on */

static int script_of(utf8proc_int32_t cp)
{
    int low = 0, high = COUNT(blocks) - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (blocks[middle].first <= cp)
            low = middle;
        else
            high = middle - 1;
    }
    return blocks[low].script;
}

uint64_t text_scripts(const char *text)
{
    uint64_t scripts = 0;
    for (Character c; (c = character(text)).cp; text += c.n) {
        utf8proc_category_t k = utf8proc_category(c.cp);
        bool letter = k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LL || k == UTF8PROC_CATEGORY_LT ||
                      k == UTF8PROC_CATEGORY_LO;
        int script = letter && c.cp != 0xB5 ? script_of(c.cp) : NONE; /* the micro sign is of everybody */
        scripts |= script == NONE ? 0 : (uint64_t)1 << script;
    }
    return scripts;
}

/* --- emoji ---------------------------------------------------------------------------------------------- */

enum { AS_TEXT = 0xFE0E, AS_EMOJI = 0xFE0F, KEYCAP = 0x20E3, JOINER = 0x200D };

static bool is_pictograph(utf8proc_int32_t cp)
{
    return utf8proc_get_property(cp)->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_flag_letter(utf8proc_int32_t cp)
{
    return cp >= 0x1F1E6 && cp <= 0x1F1FF;
}

/* What belongs to the emoji before it: its colour, how it is shown, a region's tags. */
static bool goes_on(utf8proc_int32_t cp)
{
    return cp == AS_EMOJI || cp == KEYCAP || (cp >= 0x1F3FB && cp <= 0x1F3FF) || (cp >= 0xE0020 && cp <= 0xE007F);
}

/* Older signs are shown as text, unless they are wide or what follows says otherwise. */
static bool is_shown_as_emoji(utf8proc_int32_t cp, utf8proc_int32_t next)
{
    return next != AS_TEXT && (next == AS_EMOJI || cp >= 0x2600 || utf8proc_charwidth(cp) == 2);
}

/* Bytes of the emoji that begins at s; 0: none does. */
static size_t emoji_bytes(const char *s)
{
    Character first = character(s), next = first.cp ? character(s + first.n) : first;
    bool key = first.cp > 0 && first.cp < 0x80 && strchr("0123456789#*", first.cp) && next.cp == AS_EMOJI;
    if (is_flag_letter(first.cp))
        return is_flag_letter(next.cp) ? first.n + next.n : 0;
    if (!key && !(is_pictograph(first.cp) && is_shown_as_emoji(first.cp, next.cp)))
        return 0;
    for (const char *at = s + first.n;; at += next.n) {
        next = character(at);
        Character joined = next.cp == JOINER ? character(at + next.n) : next;
        if (next.cp == JOINER && is_pictograph(joined.cp))
            next.n += joined.n;
        else if (!goes_on(next.cp))
            return (size_t)(at - s);
    }
}

bool emoji_next(const char **text, const char **at, size_t *n)
{
    for (; **text; *text += character(*text).n) {
        *n = emoji_bytes(*text);
        if (*n > 0) {
            *at = *text;
            *text += *n;
            return true;
        }
    }
    return false;
}
