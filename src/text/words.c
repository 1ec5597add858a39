/* Words and numbers of a text. */
#include "text/words.h"

#include "text/character.h"

#include <utf8proc.h>

static bool is_letter(utf8proc_int32_t cp)
{
    utf8proc_category_t k = utf8proc_category(cp);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_ME; /* letters and their marks */
}

static bool is_capital(utf8proc_int32_t cp)
{
    utf8proc_category_t k = utf8proc_category(cp);
    return k == UTF8PROC_CATEGORY_LU || k == UTF8PROC_CATEGORY_LT;
}

static bool is_digit(utf8proc_int32_t cp)
{
    return utf8proc_category(cp) == UTF8PROC_CATEGORY_ND;
}

static bool is_apostrophe(utf8proc_int32_t cp)
{
    return cp == '\'' || cp == 0x2019;
}

static bool ends_sentence(utf8proc_int32_t cp)
{
    return cp == '.' || cp == '!' || cp == '?' || cp == ':' || cp == '\n' || cp == 0x2026;
}

/* Where a run ends that begins at s: `own` characters, with single `joint` ones between them. */
static const char *run_end(const char *s, bool (*own)(utf8proc_int32_t), bool (*joint)(utf8proc_int32_t))
{
    for (;;) {
        Character c = character(s);
        if (own(c.cp)) {
            s += c.n;
            continue;
        }
        if (!joint(c.cp) || !own(character(s + c.n).cp))
            return s;
        s += c.n;
    }
}

static bool is_number_joint(utf8proc_int32_t cp)
{
    return cp == '.' || cp == ',' || cp == ':';
}

/* A capital letter with letters behind it; behind an apostrophe another capital: "Anna" and "O'Neil", not "I" and "I'm". */
static bool begins_name(const char *s)
{
    Character first = character(s), second = character(s + first.n);
    if (!is_capital(first.cp))
        return false;
    return is_apostrophe(second.cp) ? is_capital(character(s + first.n + second.n).cp) : is_letter(second.cp);
}

bool words_next(WordReader *r, Word *out)
{
    for (Character c; (c = character(r->text)).cp; r->text += c.n) {
        bool letter = is_letter(c.cp), digit = is_digit(c.cp);
        if (!letter && !digit) {
            r->within = r->within && !ends_sentence(c.cp);
            continue;
        }
        const char *end =
            letter ? run_end(r->text, is_letter, is_apostrophe) : run_end(r->text, is_digit, is_number_joint);
        *out = (Word){r->text, (size_t)(end - r->text), digit, begins_name(r->text), !r->within};
        r->text = end;
        r->within = true;
        return true;
    }
    return false;
}

/* Bytes of a word without its possessive 's. */
static size_t without_possessive(const Word *w)
{
    static const char *const ends[] = {"'s", "'S", "\xe2\x80\x99s", "\xe2\x80\x99S"};
    for (int i = 0; i < COUNT(ends); i++) {
        size_t n = strlen(ends[i]);
        if (w->n > n && memcmp(w->at + w->n - n, ends[i], n) == 0)
            return w->n - n;
    }
    return w->n;
}

void word_fold(const Word *w, Str *out)
{
    size_t n = w->number ? w->n : without_possessive(w);
    for (size_t i = 0; i < n;) {
        Character c = character(w->at + i);
        utf8proc_int32_t folded[8];
        int last = 0;
        utf8proc_ssize_t k = utf8proc_decompose_char(c.cp, folded, COUNT(folded), UTF8PROC_CASEFOLD, &last);
        for (utf8proc_ssize_t j = 0; j < k && j < COUNT(folded); j++) {
            char bytes[4];
            if (!(w->number && folded[j] == ','))
                str_addn(out, bytes, (size_t)str_utf8_write((unsigned)folded[j], bytes));
        }
        i += c.n;
    }
}
