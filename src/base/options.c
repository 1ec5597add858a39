/* Options as tables. */
#include "base/options.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>

static void *field(const Option *o, size_t base, const void *target)
{
    return (char *)(uintptr_t)target + base + o->at;
}

const char *options_choice(const char *choices, int i, char out[64])
{
    const char *p = choices;
    while (i-- > 0 && (p = strchr(p, '|')))
        p++;
    out[0] = 0;
    if (p)
        snprintf(out, 64, "%.*s", (int)strcspn(p, "|"), p);
    return out;
}

static int choice_index(const char *choices, const char *value)
{
    char name[64];
    for (int i = 0; options_choice(choices, i, name)[0]; i++)
        if (strcmp(name, value) == 0)
            return i;
    return -1;
}

bool options_date(int *out, const char *text)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int part[3] = {0}; /* year, month, day */
    for (int i = 0, k = 0; i < 10; i++) {
        bool dash = i == 4 || i == 7;
        if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9')
            return false;
        k += dash;
        part[k] = dash ? 0 : 10 * part[k] + (text[i] - '0');
    }
    int year = part[0], month = part[1], day = part[2];
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    *out = 10000 * year + 100 * month + day;
    return !text[10] && year >= 1000 && month >= 1 && month <= 12 && day >= 1 &&
           day <= length[month - 1] + (month == 2 && leap);
}

const Option *options_find(const OptionTable *t, const char *name, size_t *base)
{
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n; i++)
            if (strcmp(t->group[g].options[i].name, name) == 0) {
                *base = t->group[g].base;
                return &t->group[g].options[i];
            }
    return NULL;
}

bool options_size(double *out, const char *text)
{
    static const char units[] = "KMGT";
    char *end;
    double n = strtod(text, &end);
    if (end == text || !isfinite(n))
        return false;
    while (*end == ' ')
        end++;
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    bool binary = unit && end[1] == 'i';
    for (int i = 0; unit && i <= unit - units; i++)
        n *= binary ? 1024 : 1000;
    end += !!unit + binary;
    end += toupper((unsigned char)*end) == 'B';
    *out = floor(n);
    return n >= 1 && n < 1e18 && !*end;
}

static bool unknown(const OptionTable *t, const char *name, const char *where, ErrCode code, int hidden, Err *err)
{
    const char *names[128];
    int n = 0;
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n && n < COUNT(names); i++)
            if (!(t->group[g].options[i].flags & hidden))
                names[n++] = t->group[g].options[i].name;
    const char *near = str_nearest(name, names, n, sizeof names[0]);
    const char *dashes = code == ERR_USAGE ? "--" : "";
    err_set(err, code, "%s: there is no %s \"%s%s\"", where, code == ERR_USAGE ? "option" : "key", dashes, name);
    if (near)
        return err_hint(err, "did you mean \"%s%s\"?", dashes, near);
    return err_hint(err, "rlaif help lists what there is");
}

ErrCode options_code(const char *where)
{
    return str_starts(where, "command line") ? ERR_USAGE : ERR_INPUT;
}

static const char *value_name(const Option *o)
{
    static const char *const by_type[] = {"true|false", "N", "X", "TEXT", "", "YYYY-MM-DD", "SIZE", "A,B", "FILE"};
    return o->value ? o->value : o->type == OPT_CHOICE ? o->choices : by_type[o->type];
}

static bool bad_value(const Option *o, const char *value, const char *where, Err *err)
{
    if (options_code(where) == ERR_INPUT)
        err_set(err, ERR_INPUT, "%s: %s = \"%s\" cannot be used", where, o->name, value);
    else if (o->flags & OPT_POSITIONAL)
        err_set(err, ERR_USAGE, "%s: %s \"%s\" cannot be used", where, value_name(o), value);
    else
        err_set(err, ERR_USAGE, "%s: --%s \"%s\" cannot be used", where, o->name, value);
    if (o->type == OPT_INT)
        return err_hint(err, "give a whole number from %.0f to %.0f", o->min, o->max);
    if (o->type == OPT_REAL)
        return err_hint(err, "give a number from %g to %g", o->min, o->max);
    if (o->type == OPT_CHOICE)
        return err_hint(err, "give one of %s", o->choices);
    if (o->type == OPT_DATE)
        return err_hint(err, "give a day as YYYY-MM-DD, such as 2024-07-26");
    if (o->type == OPT_SIZE)
        return err_hint(err, "give a size, such as 8G, 800M or 8GiB");
    if (o->type == OPT_LIST)
        return err_hint(err, "give one or more, separated by commas");
    return err_hint(err, "give true or false");
}

static void list_add(OptionList *l, const char *value, size_t n)
{
    l->item = mem_resize(l->item, (size_t)l->n + 1, sizeof *l->item);
    l->item[l->n++] = mem_strn(value, n);
}

static void list_clear(OptionList *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->item[i]);
    free(l->item);
    *l = (OptionList){0};
}

static void tree_put(OptionTree *t, Yaml *yaml, const char *where)
{
    yaml_free_tree(t->yaml);
    free(t->where);
    *t = (OptionTree){yaml, where ? mem_str(where) : NULL};
}

static bool tree_read(OptionTree *t, const char *path, Err *err)
{
    Yaml *yaml;
    if (!yaml_read_file(path, &yaml, err))
        return false;
    tree_put(t, yaml, path);
    return true;
}

static bool set_value(const Option *o, void *at, const char *value, const char *where, Err *err)
{
    char *end = NULL;
    errno = 0;
    switch (o->type) {
    case OPT_BOOL: {
        bool yes = strcmp(value, "true") == 0;
        if (!yes && strcmp(value, "false") != 0)
            return bad_value(o, value, where, err);
        *(bool *)at = yes;
        return true;
    }
    case OPT_INT: {
        long long v = strtoll(value, &end, 10);
        if (end == value || *end || errno || (double)v < o->min || (double)v > o->max)
            return bad_value(o, value, where, err);
        *(int *)at = (int)v;
        return true;
    }
    case OPT_REAL: {
        double v = strtod(value, &end);
        if (end == value || *end || !(v >= o->min && v <= o->max))
            return bad_value(o, value, where, err);
        *(double *)at = v;
        return true;
    }
    case OPT_CHOICE: {
        int i = choice_index(o->choices, value);
        if (i < 0)
            return bad_value(o, value, where, err);
        *(int *)at = i;
        return true;
    }
    case OPT_DATE: {
        int date;
        if (!options_date(&date, value))
            return bad_value(o, value, where, err);
        *(int *)at = date;
        return true;
    }
    case OPT_SIZE: {
        double bytes;
        if (!options_size(&bytes, value))
            return bad_value(o, value, where, err);
        *(double *)at = bytes;
        return true;
    }
    case OPT_TEXT:
        free(*(char **)at);
        *(char **)at = mem_str(value);
        return true;
    case OPT_LIST: {
        int before = ((const OptionList *)at)->n;
        for (const char *p = value; *p;) {
            size_t n = strcspn(p, ",");
            if (n)
                list_add(at, p, n);
            p += n + (p[n] == ',');
        }
        return ((const OptionList *)at)->n > before || bad_value(o, value, where, err);
    }
    case OPT_TREE: return tree_read(at, value, err);
    }
    return false;
}

void *options_new(const OptionTable *t)
{
    char *target = mem_zalloc(1, t->size);
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n; i++) {
            const Option *o = &t->group[g].options[i];
            Err e = {0};
            bool ok = !o->otherwise || set_value(o, field(o, t->group[g].base, target), o->otherwise, "", &e);
            assert(ok && "every default of a table lies in its range: tests/base/test_options.c");
            (void)ok;
        }
    return target;
}

void options_free(const OptionTable *t, void *target)
{
    if (!target)
        return;
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n; i++) {
            const Option *o = &t->group[g].options[i];
            if (o->type == OPT_TEXT)
                free(*(char **)field(o, t->group[g].base, target));
            if (o->type == OPT_LIST)
                list_clear(field(o, t->group[g].base, target));
            if (o->type == OPT_TREE)
                tree_put(field(o, t->group[g].base, target), NULL, NULL);
        }
    free(target);
}

bool options_set(const OptionTable *t, void *target, const char *name, const char *value, const char *where, Err *err)
{
    size_t base;
    int hidden = options_code(where) == ERR_USAGE ? OPT_RECIPE : OPT_CLI;
    const Option *o = options_find(t, name, &base);
    if (!o || (o->flags & hidden))
        return unknown(t, name, where, options_code(where), hidden, err);
    return set_value(o, field(o, base, target), value, where, err);
}

bool options_set_yaml(const OptionTable *t, void *target, const char *name, const Yaml *value, const char *where,
                      Err *err)
{
    char place[300];
    snprintf(place, sizeof place, "%s:%d", where, value->line);
    size_t base;
    const Option *o = options_find(t, name, &base);
    if (!o || (o->flags & OPT_CLI))
        return unknown(t, name, place, ERR_INPUT, OPT_CLI, err);
    if (yaml_is_null(value))
        return true; /* `key:` with nothing behind leaves the default */
    if (value->kind == YAML_TEXT) {
        if (o->type == OPT_LIST)
            list_clear(field(o, base, target));
        return set_value(o, field(o, base, target), value->text, place, err);
    }
    if (value->kind == YAML_LIST && o->type == OPT_TREE) {
        tree_put(field(o, base, target), yaml_copy(value), where);
        return true;
    }
    if (value->kind != YAML_LIST || o->type != OPT_LIST) {
        err_set(err, ERR_INPUT, "%s: \"%s\" takes %s", place, name,
                o->type == OPT_LIST   ? "a list of texts"
                : o->type == OPT_TREE ? "a list, or a file that holds one"
                                      : "a single value");
        return err_hint(err, "write `%s: ...` on one line", name);
    }
    OptionList *l = field(o, base, target);
    list_clear(l);
    for (int i = 0; i < value->n; i++) {
        if (value->item[i]->kind != YAML_TEXT)
            return err_set(err, ERR_INPUT, "%s: \"%s\" takes a list of texts", place, name),
                   err_hint(err, "write `%s: [ONE, TWO]`", name);
        list_add(l, value->item[i]->text, strlen(value->item[i]->text));
    }
    return true;
}

void options_put(const OptionTable *t, void *target, const char *name, const char *value)
{
    size_t base;
    const Option *o = options_find(t, name, &base);
    assert(o && (o->type == OPT_TEXT || o->type == OPT_LIST));
    void *at = field(o, base, target);
    if (o->type == OPT_LIST) {
        list_clear(at);
        if (value)
            list_add(at, value, strlen(value));
        return;
    }
    free(*(char **)at);
    *(char **)at = value ? mem_str(value) : NULL;
}

static bool is_given(const Option *o, const void *at)
{
    switch (o->type) {
    case OPT_TEXT: return *(char *const *)at != NULL;
    case OPT_LIST: return ((const OptionList *)at)->n > 0;
    case OPT_TREE: return ((const OptionTree *)at)->yaml != NULL;
    default: return true;
    }
}

bool options_given(const OptionTable *t, const void *target, const char *name)
{
    size_t base;
    const Option *o = options_find(t, name, &base);
    return o && is_given(o, field(o, base, target));
}

bool options_complete(const OptionTable *t, const void *target, const char *where, Err *err)
{
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n; i++) {
            const Option *o = &t->group[g].options[i];
            if (!(o->flags & OPT_REQUIRED) || is_given(o, field(o, t->group[g].base, target)))
                continue;
            bool typed = options_code(where) == ERR_USAGE, positional = o->flags & OPT_POSITIONAL;
            err_set(err, options_code(where), "%s: %s%s is missing", where, typed && !positional ? "--" : "",
                    typed && positional ? value_name(o) : o->name);
            return err_hint(err, "%s", o->help);
        }
    return options_have_effect(t, target, where, err);
}

/* The first positional option that has no value yet; a list takes all the rest. */
static const Option *next_positional(const OptionTable *t, const void *target, size_t *base)
{
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n; i++) {
            const Option *o = &t->group[g].options[i];
            *base = t->group[g].base;
            if ((o->flags & OPT_POSITIONAL) && (o->type == OPT_LIST || !is_given(o, field(o, *base, target))))
                return o;
        }
    return NULL;
}

static bool parse_positional(const OptionTable *t, void *target, const char *value, Err *err)
{
    size_t base;
    const Option *o = next_positional(t, target, &base);
    if (!o)
        return err_set(err, ERR_USAGE, "command line: \"%s\" is one argument too many", value),
               err_hint(err, "options are written --name value; quote a text of several words");
    if (o->type == OPT_LIST) {
        list_add(field(o, base, target), value, strlen(value));
        return true;
    }
    return set_value(o, field(o, base, target), value, "command line", err);
}

/* The name behind -o: the option with OPT_SHORT_O. */
static const char *short_o(const OptionTable *t)
{
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n; i++)
            if (t->group[g].options[i].flags & OPT_SHORT_O)
                return t->group[g].options[i].name;
    return "o";
}

/* The value of an option without '=': the next word; a bool may stand alone. NULL: there is none. */
static const char *next_value(const Option *o, int argc, char **argv, int *i)
{
    const char *next = *i + 1 < argc ? argv[*i + 1] : NULL;
    if (o->type == OPT_BOOL && !(next && (strcmp(next, "true") == 0 || strcmp(next, "false") == 0)))
        return "true";
    *i += next != NULL;
    return next;
}

/* The option at argv[*i]; *i goes on to its value's word. */
static bool parse_option(const OptionTable *t, void *target, int argc, char **argv, int *i, Err *err)
{
    const char *a = argv[*i], *equals = strchr(a, '=');
    bool is_o = strcmp(a, "-o") == 0;
    if (!is_o && a[1] != '-') {
        err_set(err, ERR_USAGE, "command line: there is no option \"%s\"", a);
        return err_hint(err, "options have long names: --name; only -o FILE is short");
    }
    char *name = is_o ? mem_str(short_o(t)) : mem_strn(a + 2, equals ? (size_t)(equals - a) - 2 : strlen(a) - 2);
    size_t base;
    const Option *o = options_find(t, name, &base);
    const char *value = equals ? equals + 1 : o ? next_value(o, argc, argv, i) : "";
    bool ok = value ? options_set(t, target, name, value, "command line", err)
                    : (err_set(err, ERR_USAGE, "command line: %s needs a value", a),
                       err_hint(err, "write %s %s", a, value_name(o)));
    free(name);
    return ok;
}

bool options_parse(const OptionTable *t, void *target, int argc, char **argv, Err *err)
{
    bool only_positional = false, ok = true;
    for (int i = 0; ok && i < argc; i++) {
        const char *a = argv[i];
        if (!only_positional && strcmp(a, "--") == 0)
            only_positional = true;
        else if (only_positional || a[0] != '-' || strcmp(a, "-") == 0)
            ok = parse_positional(t, target, a, err);
        else
            ok = parse_option(t, target, argc, argv, &i, err);
    }
    return ok && options_complete(t, target, "command line", err);
}

static json_t *date_json(int date)
{
    return date ? json_sprintf("%04d-%02d-%02d", date / 10000, date / 100 % 100, date % 100) : json_null();
}

static json_t *size_json(double bytes)
{
    return bytes > 0 ? json_integer((json_int_t)bytes) : json_null();
}

static json_t *tree_json(const Yaml *y)
{
    if (yaml_is_null(y))
        return json_null();
    if (y->kind == YAML_TEXT)
        return json_string(y->text);
    json_t *out = y->kind == YAML_MAP ? json_object() : json_array();
    for (int i = 0; i < y->n; i++)
        if (y->kind == YAML_MAP)
            json_object_set_new(out, y->keys[i], tree_json(y->item[i]));
        else
            json_array_append_new(out, tree_json(y->item[i]));
    return out;
}

static json_t *value_json(const Option *o, const void *at)
{
    char name[64];
    switch (o->type) {
    case OPT_BOOL: return json_boolean(*(const bool *)at);
    case OPT_INT: return json_integer(*(const int *)at);
    case OPT_REAL: return json_real(*(const double *)at);
    case OPT_CHOICE: return json_string(options_choice(o->choices, *(const int *)at, name));
    case OPT_DATE: return date_json(*(const int *)at);
    case OPT_SIZE: return size_json(*(const double *)at);
    case OPT_TEXT: return *(char *const *)at ? json_string(*(char *const *)at) : json_null();
    case OPT_TREE: return tree_json(((const OptionTree *)at)->yaml);
    case OPT_LIST: break;
    }
    const OptionList *l = at;
    json_t *list = json_array();
    for (int i = 0; i < l->n; i++)
        json_array_append_new(list, json_string(l->item[i]));
    return list;
}

json_t *options_json(const OptionTable *t, const void *target, bool all)
{
    json_t *object = json_object();
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n; i++) {
            const Option *o = &t->group[g].options[i];
            if (all || !(o->flags & OPT_WORKING))
                json_object_set_new(object, o->name, value_json(o, field(o, t->group[g].base, target)));
        }
    return object;
}

static void append_value(Str *s, const json_t *v)
{
    if (json_is_string(v)) {
        yaml_append_text(s, json_string_value(v));
    } else if (json_is_array(v)) {
        str_add(s, "[");
        for (size_t i = 0; i < json_array_size(v); i++) {
            str_add(s, i ? ", " : "");
            append_value(s, json_array_get(v, i));
        }
        str_add(s, "]");
    } else if (json_is_object(v)) {
        const char *key;
        json_t *value;
        int i = 0;
        str_add(s, "{");
        json_object_foreach((json_t *)(uintptr_t)v, key, value)
        {
            str_add(s, i++ ? ", " : "");
            yaml_append_text(s, key);
            str_add(s, ": ");
            append_value(s, value);
        }
        str_add(s, "}");
    } else {
        json_append(s, v);
    }
}

void options_append_yaml(const OptionTable *t, const void *target, const char *indent, Str *out)
{
    for (int g = 0; g < t->n; g++)
        for (int i = 0; i < t->group[g].n; i++) {
            const Option *o = &t->group[g].options[i];
            json_t *v = value_json(o, field(o, t->group[g].base, target));
            if (!json_is_null(v) && !(o->flags & (OPT_CLI | OPT_MACHINE))) {
                str_addf(out, "%s%s: ", indent, o->name);
                append_value(out, v);
                str_addc(out, '\n');
            }
            json_decref(v);
        }
}

bool options_read_yaml(const OptionTable *t, void *target, const char *path, Err *err)
{
    Yaml *y;
    if (!yaml_read_file(path, &y, err))
        return false;
    bool ok = y->kind == YAML_MAP || err_set(err, ERR_INPUT, "%s: is no mapping of options to values", path);
    for (int i = 0; ok && i < y->n; i++)
        ok = options_set_yaml(t, target, y->keys[i], y->item[i], path, err);
    yaml_free_tree(y);
    return ok;
}

static void help_line(const Option *o, Str *out)
{
    char left[160];
    if (o->flags & OPT_POSITIONAL)
        snprintf(left, sizeof left, "  %s", o->value ? o->value : o->name);
    else if (o->type == OPT_BOOL && !o->otherwise)
        snprintf(left, sizeof left, "  --%s", o->name);
    else
        snprintf(left, sizeof left, "  %s--%s %s", o->flags & OPT_SHORT_O ? "-o, " : "", o->name, value_name(o));
    str_addf(out, strlen(left) > 30 ? "%s\n%32s%s" : "%-32s%s%s", left, "", o->help);
    if (o->flags & OPT_REQUIRED)
        str_add(out, " (required)");
    else if (o->otherwise && o->otherwise[0])
        str_addf(out, " [%s]", o->otherwise);
    str_addc(out, '\n');
}

void options_help(const OptionTable *t, Str *out)
{
    for (int positional = 1; positional >= 0; positional--)
        for (int g = 0; g < t->n; g++)
            for (int i = 0; i < t->group[g].n; i++) {
                const Option *o = &t->group[g].options[i];
                if (!(o->flags & OPT_RECIPE) && !!(o->flags & OPT_POSITIONAL) == positional)
                    help_line(o, out);
            }
}
