/* JSON by jansson. */
#include "base/json.h"

#include "base/file.h"
#include "base/kind.h"
#include "base/mem.h"

/* What the library says of a text, and how it is said here. */
static const struct {
    const char *theirs, *ours;
} complaints[] = {
    {"unable to decode", "bytes that are no UTF-8"},
    {"\\u0000 is not allowed", "a text holds \\u0000, which none may"},
    {"NUL byte in object key", "a key holds \\u0000, which none may"},
    {"control character 0x0 ", "a NUL byte"},
    {"control character", "a control character that is not written by its escape"},
    {"unexpected newline", "a text goes on behind the end of the line"},
    {"invalid Unicode", "half a character, a surrogate without the other"},
    {"invalid escape", "a backslash that begins no escape"},
    {"premature end of input", "it ends in the middle of a text"},
    {"end of file expected", "something stands behind the end"},
    {"duplicate object key", "a key stands twice"},
    {"real number overflow", "a number is too large"},
    {"too big integer", "a number is too large"},
    {"maximum parsing depth", "nested too deep"},
};

/* What is wrong with a text that the library refused. The caller frees it. */
static char *json_complaint(const json_error_t *e)
{
    const char *near = strstr(e->text, " near "), *ours = "no JSON";
    if (near && strcmp(near, " near end of file") == 0)
        return mem_str("it ends too early");
    for (int i = 0; i < COUNT(complaints); i++)
        if (str_starts(e->text, complaints[i].theirs)) {
            ours = complaints[i].ours;
            break;
        }
    return mem_printf("%s%s%s", ours, near ? "," : "", near ? near : "");
}

static bool parse(const char *text, size_t n, const char *where, size_t flags, json_t **out, Err *err)
{
    json_error_t e;
    str_skip_mark(&text, &n);
    *out = NULL;
    if (n == 0)
        return err_set(err, ERR_INPUT, "%s: is empty", where);
    *out = json_loadb(text, n, flags, &e);
    if (*out || !kind_check(where, text, n, "JSON is needed", "take the file that belongs there", err))
        return *out != NULL;
    bool nul = memchr(text, 0, n) && strstr(e.text, " near end of file"); /* which the library takes for the end */
    char *complaint = nul ? mem_str("a NUL byte") : json_complaint(&e), line[32] = "";
    if (e.line > 1)
        snprintf(line, sizeof line, "line %d, ", e.line);
    err_set(err, ERR_INPUT, "%s: %scolumn %d: %s", where, line, e.column, complaint);
    free(complaint);
    return false;
}

bool json_parse(const char *text, size_t n, const char *where, json_t **out, Err *err)
{
    return parse(text, n, where, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, out, err);
}

bool json_parse_loosely(const char *text, size_t n, const char *where, json_t **out, Err *err)
{
    return parse(text, n, where, JSON_DECODE_INT_AS_REAL, out, err);
}

bool json_read_file(const char *path, json_t **out, Err *err)
{
    char *text;
    size_t n;
    *out = NULL;
    if (!file_read(path, (size_t)1 << 30, &text, &n, err))
        return false;
    bool ok = json_parse(text, n, path, out, err);
    free(text);
    return ok;
}

void json_append_real(Str *s, double value)
{
    char digits[40];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    str_add(s, digits);
    if (!strpbrk(digits, ".e"))
        str_add(s, ".0");
}

json_t *json_of_float(float value)
{
    char digits[40];
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)value);
        if (strtof(digits, NULL) == value)
            break;
    }
    return json_real(strtod(digits, NULL));
}

/* Line ends of Unicode (U+0085, U+2028, U+2029): many readers split rows there. Escapes one; returns its bytes, or
 * 0. */
static size_t escape_line_end(Str *s, const char *text, size_t n)
{
    if (n >= 2 && memcmp(text, "\xc2\x85", 2) == 0) {
        str_add(s, "\\u0085");
        return 2;
    }
    if (n >= 3 && memcmp(text, "\xe2\x80", 2) == 0 && (text[2] == '\xa8' || text[2] == '\xa9')) {
        str_add(s, text[2] == '\xa8' ? "\\u2028" : "\\u2029");
        return 3;
    }
    return 0;
}

static void append_string(Str *s, const char *text, size_t n)
{
    str_addc(s, '"');
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        size_t line_end = escape_line_end(s, text + i, n - i);
        if (line_end) {
            i += line_end - 1;
            continue;
        }
        if (c == '"' || c == '\\')
            str_addc(s, '\\'), str_addc(s, (char)c);
        else if (c == '\n')
            str_add(s, "\\n");
        else if (c == '\t')
            str_add(s, "\\t");
        else if (c == '\r')
            str_add(s, "\\r");
        else if (c < 0x20)
            str_addf(s, "\\u%04x", c);
        else
            str_addc(s, (char)c);
    }
    str_addc(s, '"');
}

void json_append(Str *s, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: {
        const char *key, *separator = "{";
        json_t *field;
        json_object_foreach((json_t *)(uintptr_t)value, key, field)
        {
            str_add(s, separator);
            append_string(s, key, strlen(key));
            str_add(s, ": ");
            json_append(s, field);
            separator = ", ";
        }
        str_add(s, separator[0] == '{' ? "{}" : "}");
        break;
    }
    case JSON_ARRAY:
        str_addc(s, '[');
        for (size_t i = 0; i < json_array_size(value); i++) {
            str_add(s, i ? ", " : "");
            json_append(s, json_array_get(value, i));
        }
        str_addc(s, ']');
        break;
    case JSON_STRING: append_string(s, json_string_value(value), json_string_length(value)); break;
    case JSON_INTEGER: str_addf(s, "%" JSON_INTEGER_FORMAT, json_integer_value(value)); break;
    case JSON_REAL: json_append_real(s, json_real_value(value)); break;
    case JSON_TRUE: str_add(s, "true"); break;
    case JSON_FALSE: str_add(s, "false"); break;
    case JSON_NULL: str_add(s, "null"); break;
    }
}

char *json_text(const json_t *value)
{
    Str s = {0};
    json_append(&s, value);
    return str_take(&s);
}

json_t *json_field(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);
    return json_is_null(v) ? NULL : v;
}

const char *json_text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

double json_number_of(const json_t *object, const char *key, double otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

bool json_bool_of(const json_t *object, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

json_t *json_take_text(char *text)
{
    Str s = {0};
    str_add_utf8(&s, text, strlen(text));
    json_t *j = json_stringn(str_text(&s), s.n);
    str_release(&s);
    free(text);
    return j;
}

int json_index_of(json_t *numbers, const char *name)
{
    const json_t *known = json_object_get(numbers, name);
    if (known)
        return (int)json_integer_value(known);
    int n = (int)json_object_size(numbers);
    json_object_set_new(numbers, name, json_integer(n));
    return n;
}
