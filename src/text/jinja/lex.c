/* From a template's source to tokens: text, tags with their whitespace control, and what is inside tags.
 *
 * trim_blocks: a newline right after a block or comment goes. lstrip_blocks: blanks between the beginning of
 * a line and a block or comment go. A "-" at a tag takes all blanks on its side, a "+" keeps them. */
#include "text/jinja/lex.h"

#include "base/mem.h"
#include "text/jinja/run.h"
#include "text/jinja/text.h"

typedef struct Lexer {
    Pool *pool;
    Err *err;
    const char *s; /* the source: newlines are "\n", the last one is dropped */
    size_t n, at;
    int line;
    bool line_begins; /* the text at hand follows a newline that a tag has swallowed */
    char open[JINJA_PARSE_DEPTH];
    int opened; /* brackets */
    Token *token;
    int tokens, cap;
} Lexer;

static bool fail_char(Lexer *x, const char *what)
{
    size_t n = jinja_char(x->s + x->at, x->n - x->at);
    return jinja_error(x->err, x->line, "%s \"%.*s\"", what, (int)n, x->s + x->at);
}

static Token *add(Lexer *x, TokenKind kind)
{
    x->token = MEM_GROW(x->token, x->tokens, x->cap);
    Token *t = &x->token[x->tokens++];
    *t = (Token){.kind = kind, .line = x->line};
    return t;
}

static void advance(Lexer *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x->line += x->s[x->at + i] == '\n';
    x->at += n;
}

static bool looking_at(const Lexer *x, size_t at, const char *text)
{
    size_t n = strlen(text);
    return x->n - at >= n && memcmp(x->s + at, text, n) == 0;
}

/* Where the blanks that begin at `at` end. */
static size_t after_blanks(const Lexer *x, size_t at)
{
    for (size_t k; at < x->n && (k = jinja_blank(x->s + at, x->n - at)) > 0;)
        at += k;
    return at;
}

/* The end of a tag of this kind at `at`: its bytes with what whitespace control swallows, or 0. */
static size_t tag_end(const Lexer *x, size_t at, const char *close)
{
    char dash[4] = {'-', close[0], close[1], 0}, plus[4] = {'+', close[0], close[1], 0};
    if (looking_at(x, at, dash))
        return after_blanks(x, at + 3) - at;
    if (close[0] == '}')
        return looking_at(x, at, close) ? 2 : 0;
    if (looking_at(x, at, plus))
        return 3;
    if (!looking_at(x, at, close))
        return 0;
    return at + 2 < x->n && x->s[at + 2] == '\n' ? 3 : 2;
}

/* Past the end of a tag. */
static void close_tag(Lexer *x, size_t n)
{
    advance(x, n);
    x->line_begins = x->s[x->at - 1] == '\n';
}

/* The text up to `end`, where a tag with this sign begins; an output tag leaves the blanks before it alone. */
static void add_data(Lexer *x, size_t end, char sign, bool output)
{
    size_t from = x->at, to = end;
    if (sign == '-') {
        for (size_t k; to > from && (k = jinja_blank_before(x->s + from, to - from)) > 0;)
            to -= k;
    } else if (sign != '+' && !output) {
        size_t line = end;
        while (line > from && x->s[line - 1] != '\n')
            line--;
        if ((line > from || x->line_begins) && after_blanks(x, line) >= end)
            to = line;
    }
    if (to > from)
        add(x, T_DATA)->value = jinja_text(x->s + from, to - from);
    advance(x, end - from);
}

static char sign_at(const Lexer *x, size_t at)
{
    return at < x->n && (x->s[at] == '-' || x->s[at] == '+') ? x->s[at] : 0;
}

/* `{% word %}` at `at`: the bytes up to its end tag, or 0 where something else stands there. */
static size_t bare_tag(const Lexer *x, size_t at, const char *word)
{
    if (!looking_at(x, at, "{%"))
        return 0;
    size_t p = after_blanks(x, at + 2 + (sign_at(x, at + 2) != 0));
    if (!looking_at(x, p, word))
        return 0;
    return after_blanks(x, p + strlen(word)) - at;
}

static bool raw(Lexer *x, size_t head)
{
    size_t end = looking_at(x, x->at + head, "-%}") ? tag_end(x, x->at + head, "%}") : 2;
    int line = x->line;
    close_tag(x, head + end);
    for (size_t at = x->at; at < x->n; at++) {
        size_t tail = bare_tag(x, at, "endraw");
        end = tail ? tag_end(x, at + tail, "%}") : 0;
        if (end) {
            add_data(x, at, sign_at(x, at + 2), false);
            close_tag(x, tail + end);
            return true;
        }
    }
    /* Jinja lets it be where nothing at all follows */
    return x->at == x->n || jinja_error(x->err, line, "{%% raw %%} has no {%% endraw %%}");
}

static bool comment(Lexer *x, size_t head)
{
    int line = x->line;
    advance(x, head);
    for (size_t at = x->at; at < x->n; at++) {
        size_t end = tag_end(x, at, "#}");
        if (end) {
            close_tag(x, at + end - x->at);
            return true;
        }
    }
    return x->at == x->n || jinja_error(x->err, line, "a comment has no end \"#}\"");
}

/* --- inside tags ------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool in_base(char c, int base)
{
    int digit = is_digit(c) ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 99;
    return digit < base;
}

/* Digits of a base with single underscores between them; returns where they end. */
static size_t digits(const Lexer *x, size_t at, int base)
{
    if (at >= x->n || !in_base(x->s[at], base))
        return at;
    while (at + 1 < x->n) {
        size_t next = at + 1 + (x->s[at + 1] == '_');
        if (next >= x->n || !in_base(x->s[next], base))
            break;
        at = next;
    }
    return at + 1;
}

/* The end of a float at `at`, or `at`: digits with a fraction, an exponent or both; not right after a dot. */
static size_t float_end(const Lexer *x, size_t at)
{
    if (at > 0 && x->s[at - 1] == '.')
        return at;
    size_t whole = digits(x, at, 10), end = whole;
    if (whole < x->n && x->s[whole] == '.' && digits(x, whole + 1, 10) > whole + 1)
        end = digits(x, whole + 1, 10);
    if (end < x->n && (x->s[end] | 32) == 'e') {
        size_t exponent = end + 1 + (sign_at(x, end + 1) != 0);
        if (digits(x, exponent, 10) > exponent)
            return digits(x, exponent, 10);
    }
    return end > whole ? end : at;
}

static bool add_float(Lexer *x, size_t end)
{
    Str clean = {0};
    for (size_t i = x->at; i < end; i++)
        if (x->s[i] != '_')
            str_addc(&clean, x->s[i]);
    double f = strtod(str_text(&clean), NULL);
    str_release(&clean);
    if (isinf(f))
        return jinja_error(x->err, x->line, "the number is too large");
    add(x, T_FLOAT)->value = jinja_float(f);
    advance(x, end - x->at);
    return true;
}

static bool add_int(Lexer *x)
{
    size_t at = x->at, end;
    int base = 10;
    char mark = at + 1 < x->n ? (char)(x->s[at + 1] | 32) : 0;
    if (x->s[at] == '0' && (mark == 'b' || mark == 'o' || mark == 'x'))
        base = mark == 'b' ? 2 : mark == 'o' ? 8 : 16;
    size_t from = at + (base == 10 ? 0 : 2);
    if (base != 10 && from < x->n && x->s[from] == '_')
        from++;
    end = digits(x, from, base);
    if (end == from || (base == 10 && x->s[at] == '0')) /* a decimal that begins with 0 is all zeros */
        base = 1, from = at, end = digits(x, at, base);
    int64_t sum = 0;
    for (size_t i = from; i < end; i++) {
        char c = x->s[i];
        int digit = is_digit(c) ? c - '0' : (c | 32) - 'a' + 10;
        if (c != '_' && (__builtin_mul_overflow(sum, base, &sum) || __builtin_add_overflow(sum, digit, &sum)))
            return jinja_error(x->err, x->line, "the number is too large");
    }
    add(x, T_INT)->value = jinja_int(sum);
    advance(x, end - at);
    return true;
}

/* `count` hexadecimal digits at p into *code. */
static bool hex(Lexer *x, const char *p, const char *end, int count, unsigned *code)
{
    *code = 0;
    for (int i = 0; i < count; i++) {
        if (p + i >= end || !in_base(p[i], 16))
            return jinja_error(x->err, x->line, "an escape in a text needs %d hexadecimal digits", count);
        *code = *code * 16 + (unsigned)(is_digit(p[i]) ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
    }
    if (*code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
        return jinja_error(x->err, x->line, "an escape in a text names no character: %X", *code);
    return true;
}

static void add_code(Str *s, unsigned code)
{
    char bytes[4];
    str_addn(s, bytes, (size_t)str_utf8_write(code, bytes));
}

/* The escape that follows a backslash; *p is left behind it. */
static bool escape(Lexer *x, Str *s, const char **p, const char *end)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    char c = *(*p)++;
    const char *simple = c ? strchr(from, c) : NULL;
    unsigned code = 0;
    if (c == '\n')
        return true;
    if (simple)
        return str_addc(s, to[simple - from]), true;
    if (c >= '0' && c < '8') {
        code = (unsigned)(c - '0');
        for (int i = 0; i < 2 && *p < end && **p >= '0' && **p < '8'; i++)
            code = code * 8 + (unsigned)(*(*p)++ - '0');
        return add_code(s, code), true;
    }
    if (c == 'x' || c == 'u' || c == 'U') {
        int count = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        if (!hex(x, *p, end, count, &code))
            return false;
        *p += count;
        return add_code(s, code), true;
    }
    if (c == 'N')
        return jinja_error(x->err, x->line, "the escape \\N{...} in a text is not supported");
    str_addc(s, '\\'); /* no escape at all: both characters stay */
    if ((unsigned char)c < 0x80)
        return str_addc(s, c), true;
    size_t n; /* Jinja writes other characters as escapes before it reads escapes: this one loses its own */
    code = jinja_code(*p - 1, (size_t)(end - *p) + 1, &n);
    str_addf(s, code < 0x100 ? "x%02x" : code < 0x10000 ? "u%04x" : "U%08x", code);
    *p += n - 1;
    return true;
}

static bool add_string(Lexer *x)
{
    char quote = x->s[x->at];
    size_t end = x->at + 1;
    while (end < x->n && x->s[end] != quote)
        end += x->s[end] == '\\' ? 2 : 1;
    if (end >= x->n)
        return jinja_error(x->err, x->line, "a text has no closing %c", quote);
    Str s = {0};
    const char *p = x->s + x->at + 1, *stop = x->s + end;
    bool ok = true;
    while (ok && p < stop) {
        if (*p == '\\')
            p++, ok = escape(x, &s, &p, stop);
        else
            str_addc(&s, *p++);
    }
    if (ok)
        add(x, T_STRING)->value = jinja_text(jinja_keep(x->pool, str_text(&s), s.n), s.n);
    str_release(&s);
    advance(x, end + 1 - x->at);
    return ok;
}

static bool bracket(Lexer *x, char c)
{
    static const char left[] = "([{", right[] = ")]}";
    if (strchr(left, c)) {
        if (x->opened == COUNT(x->open))
            return jinja_error(x->err, x->line, "more than %d brackets are open", COUNT(x->open));
        x->open[x->opened++] = right[strchr(left, c) - left];
    } else if (strchr(right, c)) {
        if (!x->opened)
            return fail_char(x, "unexpected");
        if (x->open[--x->opened] != c)
            return jinja_error(x->err, x->line, "unexpected \"%c\" where \"%c\" closes", c, x->open[x->opened]);
    }
    return true;
}

static bool add_operator(Lexer *x)
{
    static const char *const two[] = {"//", "**", "==", "!=", ">=", "<="};
    size_t n = 0;
    for (int i = 0; i < COUNT(two); i++)
        if (looking_at(x, x->at, two[i]))
            n = 2;
    char c = x->s[x->at];
    if (!n && c && strchr("+-/*%~[](){}><=.:|,;", c))
        n = 1;
    if (!n)
        return fail_char(x, "unexpected character");
    if (n == 1 && !bracket(x, c))
        return false;
    memcpy(add(x, T_OPERATOR)->op, x->s + x->at, n);
    advance(x, n);
    return true;
}

static bool name_char(char c)
{
    return is_digit(c) || c == '_' || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static bool add_token(Lexer *x)
{
    char c = x->s[x->at];
    size_t end = x->at;
    if (is_digit(c)) {
        end = float_end(x, x->at);
        return end > x->at ? add_float(x, end) : add_int(x);
    }
    while (end < x->n && name_char(x->s[end]))
        end++;
    if (end > x->at) {
        add(x, T_NAME)->value = jinja_text(x->s + x->at, end - x->at);
        advance(x, end - x->at);
        return true;
    }
    return c == '\'' || c == '"' ? add_string(x) : add_operator(x);
}

static bool tag(Lexer *x, bool output)
{
    advance(x, 2 + (size_t)(sign_at(x, x->at + 2) != 0));
    add(x, output ? T_OUTPUT_BEGIN : T_BLOCK_BEGIN);
    x->opened = 0;
    while (x->at < x->n) {
        size_t end = x->opened ? 0 : tag_end(x, x->at, output ? "}}" : "%}");
        if (end) {
            add(x, output ? T_OUTPUT_END : T_BLOCK_END);
            close_tag(x, end);
            return true;
        }
        size_t blank = jinja_blank(x->s + x->at, x->n - x->at);
        if (blank)
            advance(x, blank);
        else if (!add_token(x))
            return false;
    }
    return true; /* the parser finds the end where it wants more */
}

/* --- the whole --------------------------------------------------------------------------------------- */

static bool root(Lexer *x)
{
    while (x->at < x->n) {
        size_t at = x->at;
        while (at < x->n && !(x->s[at] == '{' && at + 1 < x->n && strchr("{%#", x->s[at + 1])))
            at++;
        if (at == x->n) {
            add(x, T_DATA)->value = jinja_text(x->s + x->at, at - x->at);
            x->at = at;
            break;
        }
        char kind = x->s[at + 1], sign = sign_at(x, at + 2);
        add_data(x, at, sign, kind == '{');
        size_t raw_head = kind == '%' ? bare_tag(x, at, "raw") : 0;
        if (raw_head && !looking_at(x, at + raw_head, "-%}") && !looking_at(x, at + raw_head, "%}"))
            raw_head = 0;
        bool ok = raw_head ? raw(x, raw_head) : kind == '#' ? comment(x, 2 + (size_t)(sign != 0)) : tag(x, kind == '{');
        if (!ok)
            return false;
    }
    return true;
}

/* Newlines of every kind become "\n", and one at the very end goes. */
static size_t normalise(char *to, const char *from)
{
    char *p = to;
    for (; *from; from++)
        if (*from != '\r')
            *p++ = *from;
        else if (from[1] != '\n')
            *p++ = '\n';
    return (size_t)(p - to) - (p > to && p[-1] == '\n');
}

bool jinja_lex(Pool *pool, const char *source, Token **out, Err *err)
{
    char *s = jinja_alloc(pool, strlen(source) + 1, 1);
    Lexer x = {.pool = pool, .err = err, .s = s, .line = 1, .line_begins = true};
    *out = NULL;
    x.n = normalise(s, source);
    for (size_t i = 0, k; i < x.n; i += k) {
        k = (size_t)str_utf8_length((const unsigned char *)s + i, x.n - i);
        if (!k)
            return err_set(err, ERR_INPUT, "the chat template is not UTF-8 at byte %zu", i);
    }
    bool ok = root(&x);
    add(&x, T_END);
    if (ok) {
        *out = jinja_alloc(pool, (size_t)x.tokens, sizeof **out);
        memcpy(*out, x.token, (size_t)x.tokens * sizeof **out);
    }
    free(x.token);
    return ok;
}
