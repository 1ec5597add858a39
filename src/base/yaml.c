/* YAML by libyaml. */
#include "base/yaml.h"

#include "base/file.h"
#include "base/kind.h"
#include "base/mem.h"

#include <yaml.h>

enum { DEEPEST = 16, MOST_NODES = 100000 };

typedef struct Parse {
    yaml_parser_t parser;
    const char *where;
    int nodes;
} Parse;

/* What the library says in its own terms, and how it is said here; most of it can stand. */
static const struct {
    const char *theirs, *ours;
} complaints[] = {
    {"did not find expected <document start>", "something stands behind the end of the document"},
    {"did not find expected <stream-start>", "is no YAML"},
    {"did not find expected node content", "a value is missing"},
    {"could not find expected ':'", "a \":\" is missing behind the key"},
    {"found character that cannot start any token",
     "a value begins with a character that YAML keeps for itself: quote it"},
    {"block sequence entries are not allowed in this context", "a list begins where none can: look at the indentation"},
    {"mapping values are not allowed in this context",
     "a \": \" stands where none can: quote the value, or look at the indentation"},
};

static bool next_event(Parse *p, yaml_event_t *e, Err *err)
{
    if (yaml_parser_parse(&p->parser, e))
        return e->type != YAML_SCALAR_EVENT || !memchr(e->data.scalar.value, 0, e->data.scalar.length) ||
               err_set(err, ERR_INPUT, "%s:%zu: a text holds \\0, which none may", p->where, e->start_mark.line + 1);
    const char *problem = p->parser.problem ? p->parser.problem : "is no YAML";
    for (int i = 0; i < COUNT(complaints); i++)
        if (strcmp(problem, complaints[i].theirs) == 0)
            problem = complaints[i].ours;
    return err_set(err, ERR_INPUT, "%s:%zu: %s", p->where, p->parser.problem_mark.line + 1, problem);
}

static Yaml *node_new(Parse *p, YamlKind kind, const yaml_event_t *e)
{
    Yaml *y = mem_zalloc(1, sizeof *y);
    y->kind = kind;
    y->line = (int)e->start_mark.line + 1;
    p->nodes++;
    return y;
}

/* Nothing here has an anchor, a tag, or is an alias: a recipe says what it means where it stands. */
static bool is_bare(const Parse *p, const yaml_event_t *e, Err *err)
{
    bool bare = e->type == YAML_SCALAR_EVENT           ? !e->data.scalar.anchor && !e->data.scalar.tag
                : e->type == YAML_SEQUENCE_START_EVENT ? !e->data.sequence_start.anchor && !e->data.sequence_start.tag
                : e->type == YAML_MAPPING_START_EVENT  ? !e->data.mapping_start.anchor && !e->data.mapping_start.tag
                                                       : false;
    return bare || err_set(err, ERR_INPUT, "%s:%zu: anchors, aliases and tags are not understood here", p->where,
                           e->start_mark.line + 1);
}

static bool parse_node(Parse *p, yaml_event_t *e, int depth, Yaml **out, Err *err);

static bool add_entry(Parse *p, Yaml *y, yaml_event_t *e, int depth, Err *err)
{
    char *key = NULL;
    if (y->kind == YAML_MAP) {
        if (e->type != YAML_SCALAR_EVENT)
            return err_set(err, ERR_INPUT, "%s:%zu: a key must be a text", p->where, e->start_mark.line + 1);
        if (!is_bare(p, e, err))
            return false;
        key = mem_str((const char *)e->data.scalar.value);
        if (yaml_get(y, key)) {
            err_set(err, ERR_INPUT, "%s:%zu: the key \"%s\" stands twice", p->where, e->start_mark.line + 1, key);
            free(key);
            return false;
        }
        yaml_event_delete(e);
        if (!next_event(p, e, err)) {
            free(key);
            return false;
        }
    }
    Yaml *value;
    bool ok = parse_node(p, e, depth, &value, err);
    if (!ok) {
        free(key);
        return false;
    }
    y->item = mem_resize(y->item, (size_t)y->n + 1, sizeof *y->item);
    y->keys = mem_resize(y->keys, (size_t)y->n + 1, sizeof *y->keys);
    y->item[y->n] = value;
    y->keys[y->n++] = key;
    return true;
}

/* Reads the node that starts with event e, which is consumed. */
static bool parse_node(Parse *p, yaml_event_t *e, int depth, Yaml **out, Err *err)
{
    *out = NULL;
    if (depth > DEEPEST || p->nodes > MOST_NODES)
        return err_set(err, ERR_INPUT, "%s:%zu: nested too deep or too long", p->where, e->start_mark.line + 1);
    if (!is_bare(p, e, err))
        return false;
    if (e->type == YAML_SCALAR_EVENT) {
        Yaml *y = node_new(p, YAML_TEXT, e);
        y->text = mem_strn((const char *)e->data.scalar.value, e->data.scalar.length);
        y->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        *out = y;
        return true;
    }
    bool is_map = e->type == YAML_MAPPING_START_EVENT;
    yaml_event_type_t end = is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    Yaml *y = node_new(p, is_map ? YAML_MAP : YAML_LIST, e);
    for (;;) {
        yaml_event_delete(e);
        if (!next_event(p, e, err))
            break;
        if (e->type == end) {
            *out = y;
            return true;
        }
        if (!add_entry(p, y, e, depth + 1, err))
            break;
    }
    yaml_free_tree(y);
    return false;
}

bool yaml_parse(const char *text, size_t n, const char *where, Yaml **out, Err *err)
{
    Parse p = {.where = where};
    *out = NULL;
    if (!yaml_parser_initialize(&p.parser))
        return err_set(err, ERR_MEMORY, "%s: no memory to read it", where);
    yaml_parser_set_input_string(&p.parser, (const unsigned char *)text, n);
    yaml_event_t e = {0};
    bool ok = true;
    for (bool done = false; ok && !done;) {
        yaml_event_delete(&e);
        ok = next_event(&p, &e, err);
        if (!ok)
            break;
        if (e.type == YAML_STREAM_START_EVENT || e.type == YAML_DOCUMENT_START_EVENT ||
            e.type == YAML_DOCUMENT_END_EVENT)
            continue;
        if (e.type == YAML_STREAM_END_EVENT)
            done = true;
        else if (*out)
            ok = err_set(err, ERR_INPUT, "%s:%zu: a second document begins", where, e.start_mark.line + 1);
        else
            ok = parse_node(&p, &e, 0, out, err);
    }
    yaml_event_delete(&e);
    yaml_parser_delete(&p.parser);
    if (ok && !*out)
        ok = err_set(err, ERR_INPUT, "%s: is empty", where);
    Err other = {0};
    bool plain = ok && (*out)->kind == YAML_TEXT; /* as any text without ": " is */
    if ((!ok || plain) && !kind_check(where, text, n, "YAML is needed", "name the file that is meant", &other)) {
        *err = other;
        ok = false;
    }
    if (!ok) {
        yaml_free_tree(*out);
        *out = NULL;
    }
    return ok;
}

bool yaml_read_file(const char *path, Yaml **out, Err *err)
{
    char *text;
    size_t n;
    *out = NULL;
    if (!file_read(path, 16 << 20, &text, &n, err))
        return false;
    bool ok = yaml_parse(text, n, path, out, err);
    free(text);
    return ok;
}

Yaml *yaml_copy(const Yaml *y)
{
    Yaml *copy = mem_zalloc(1, sizeof *copy);
    *copy = (Yaml){y->kind, y->line, y->text ? mem_str(y->text) : NULL, y->quoted, y->n, NULL, NULL};
    copy->keys = mem_zalloc((size_t)y->n, sizeof *copy->keys);
    copy->item = mem_zalloc((size_t)y->n, sizeof *copy->item);
    for (int i = 0; i < y->n; i++) {
        copy->keys[i] = y->keys[i] ? mem_str(y->keys[i]) : NULL;
        copy->item[i] = yaml_copy(y->item[i]);
    }
    return copy;
}

void yaml_free_tree(Yaml *y)
{
    if (!y)
        return;
    for (int i = 0; i < y->n; i++) {
        yaml_free_tree(y->item[i]);
        free(y->keys[i]);
    }
    free(y->item);
    free(y->keys);
    free(y->text);
    free(y);
}

const Yaml *yaml_get(const Yaml *map, const char *key)
{
    for (int i = 0; map && map->kind == YAML_MAP && i < map->n; i++)
        if (strcmp(map->keys[i], key) == 0)
            return map->item[i];
    return NULL;
}

void yaml_put_text(Yaml *map, const char *key, const char *text)
{
    const Yaml value = {.kind = YAML_TEXT, .line = map->line, .text = (char *)(uintptr_t)text, .quoted = true};
    int i = 0;
    while (i < map->n && strcmp(map->keys[i], key) != 0)
        i++;
    if (i < map->n) {
        Yaml *old = map->item[i];
        char *copy = mem_str(text);
        free(old->text);
        old->text = copy;
        old->quoted = true;
        return;
    }
    map->item = mem_resize(map->item, (size_t)map->n + 1, sizeof *map->item);
    map->keys = mem_resize(map->keys, (size_t)map->n + 1, sizeof *map->keys);
    map->item[map->n] = yaml_copy(&value);
    map->keys[map->n++] = mem_str(key);
}

static bool is_one_of(const char *key, const char *const *keys, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

static bool unknown_key(const char *key, const char *const *keys, int n, Err *err)
{
    const char *near = str_nearest(key, keys, n, sizeof *keys);
    if (near)
        return err_hint(err, "did you mean \"%s\"?", near);
    Str all = {0};
    for (int i = 0; i < n; i++)
        str_addf(&all, "%s%s", i ? ", " : "", keys[i]);
    err_hint(err, "there are %s", str_text(&all));
    str_release(&all);
    return false;
}

bool yaml_check_keys(const Yaml *map, const char *const *keys, int n, const char *where, Err *err)
{
    for (int i = 0; map->kind == YAML_MAP && i < map->n; i++) {
        if (is_one_of(map->keys[i], keys, n))
            continue;
        err_set(err, ERR_INPUT, "%s:%d: there is no key \"%s\"", where, map->item[i]->line, map->keys[i]);
        return unknown_key(map->keys[i], keys, n, err);
    }
    return true;
}

bool yaml_is_null(const Yaml *y)
{
    return !y || (y->kind == YAML_TEXT && !y->quoted &&
                  (!y->text[0] || strcmp(y->text, "~") == 0 || strcmp(y->text, "null") == 0));
}

/* Plain scalars: words, numbers, paths. Anything that YAML could read otherwise is quoted. */
static bool plain_is_safe(const char *t)
{
    static const char *const special[] = {"null", "true", "false", "yes", "no", "on", "off"};
    if (!t[0] || !(isalnum((unsigned char)t[0]) || t[0] == '/' || t[0] == '.' || t[0] == '_'))
        return false;
    for (int i = 0; i < COUNT(special); i++)
        if (strcasecmp(t, special[i]) == 0)
            return false;
    for (const char *p = t; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("/._-+", *p))
            return false;
    return true;
}

/* Characters that YAML does not read as themselves: C1 controls, its other line ends, a byte order mark, and what is no
 * character. Escapes one; returns its bytes, or 0. */
static size_t escape_special(Str *s, const char *p)
{
    static const char *const three[] = {"\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf", "\xef\xbf\xbe", "\xef\xbf\xbf"};
    static const char *const name[] = {"\\u2028", "\\u2029", "\\ufeff", "\\ufffe", "\\uffff"};
    unsigned char first = (unsigned char)p[0], second = first ? (unsigned char)p[1] : 0;
    if (first == 0xc2 && second >= 0x80 && second < 0xa0) {
        str_addf(s, "\\x%02x", second);
        return 2;
    }
    for (int i = 0; i < COUNT(three); i++)
        if (str_starts(p, three[i])) {
            str_add(s, name[i]);
            return 3;
        }
    return 0;
}

void yaml_append_text(Str *s, const char *text)
{
    if (plain_is_safe(text)) {
        str_add(s, text);
        return;
    }
    str_addc(s, '"');
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p;
        size_t special = escape_special(s, p);
        if (special)
            p += special - 1;
        else if (c == '"' || c == '\\')
            str_addf(s, "\\%c", c);
        else if (c == '\n')
            str_add(s, "\\n");
        else if (c == '\t')
            str_add(s, "\\t");
        else if (c < 0x20 || c == 0x7f)
            str_addf(s, "\\x%02x", c);
        else
            str_addc(s, (char)c);
    }
    str_addc(s, '"');
}
