/* Values of a prompt file's keys. */
#include "rlaif/judge/prompt/field.h"

#include "base/mem.h"
#include "base/options.h"

bool field_bad(const FieldReader *r, const Yaml *at, const char *key, const char *needs)
{
    return err_set(r->err, ERR_INPUT, "%s:%d: \"%s\" must be %s", r->where, at->line, key, needs);
}

static bool is_missing(const FieldReader *r, const char *key)
{
    return err_set(r->err, ERR_INPUT, "%s: the key \"%s\" is missing", r->where, key);
}

/* The value of a key; NULL where it is absent, or null, which is no text. */
static const Yaml *value_of(const Yaml *map, const char *key)
{
    const Yaml *y = yaml_get(map, key);
    return yaml_is_null(y) ? NULL : y;
}

bool field_text(const FieldReader *r, const Yaml *map, const char *key, const char *otherwise, char **out)
{
    const Yaml *y = value_of(map, key);
    if (!y && !otherwise)
        return is_missing(r, key);
    if (y && y->kind != YAML_TEXT)
        return field_bad(r, y, key, "a text");
    free(*out);
    *out = mem_str(y ? y->text : otherwise);
    return true;
}

bool field_choice(const FieldReader *r, const Yaml *map, const char *key, const char *choices, const char *otherwise,
                  int *out)
{
    char *text = NULL, name[64];
    if (!field_text(r, map, key, otherwise, &text))
        return false;
    *out = -1;
    for (int i = 0; options_choice(choices, i, name)[0]; i++)
        if (strcmp(name, text) == 0)
            *out = i;
    free(text);
    return *out >= 0 || field_bad(r, yaml_get(map, key), key, choices);
}

bool field_count(const FieldReader *r, const Yaml *map, const char *key, int most, int otherwise, int *out)
{
    const Yaml *y = value_of(map, key);
    *out = otherwise;
    if (!y)
        return true;
    char *end = NULL;
    long n = y->kind == YAML_TEXT ? strtol(y->text, &end, 10) : -1;
    if (n < 0 || n > most || end == y->text || *end)
        return field_bad(r, y, key, "a whole number that is not too large");
    *out = (int)n;
    return true;
}

bool field_number(const FieldReader *r, const Yaml *map, const char *key, bool positive, const double *otherwise,
                  double *out)
{
    const Yaml *y = value_of(map, key);
    char *end = NULL;
    if (!y && !otherwise)
        return is_missing(r, key);
    *out = !y ? *otherwise : y->kind == YAML_TEXT ? strtod(y->text, &end) : 0;
    bool ok = !y || (end && end != y->text && !*end && isfinite(*out) && (*out > 0 || !positive));
    return ok || field_bad(r, y, key, positive ? "a number above 0" : "a number");
}
