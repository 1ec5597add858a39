/* YAML by libyaml, as a tree that knows its lines. For recipes and prompt files: mappings, sequences and
 * scalars; anchors, aliases and tags are refused. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/err.h"
#include "base/str.h"

typedef enum YamlKind { YAML_TEXT, YAML_LIST, YAML_MAP } YamlKind;

typedef struct Yaml {
    YamlKind kind;
    int line;           /* from 1 */
    char *text;         /* YAML_TEXT */
    bool quoted;        /* YAML_TEXT written in quotes or as a block: never null */
    int n;              /* entries of a list or mapping */
    char **keys;        /* YAML_MAP: n names */
    struct Yaml **item; /* YAML_LIST, YAML_MAP: n values */
} Yaml;

/* One document. `where` names it in messages. Free *out with yaml_free_tree. */
bool yaml_parse(const char *text, size_t n, const char *where, Yaml **out, Err *err) MUST_CHECK;
bool yaml_read_file(const char *path, Yaml **out, Err *err) MUST_CHECK;
Yaml *yaml_copy(const Yaml *y); /* with all that is in it, and its lines */
void yaml_free_tree(Yaml *y);   /* accepts NULL; libyaml has a yaml_free of its own */

/* The value of a key, or NULL where the mapping has none. */
const Yaml *yaml_get(const Yaml *map, const char *key);

/* Sets the value of a mapping's key to a text, whether it has one or not. */
void yaml_put_text(Yaml *map, const char *key, const char *text);

/* Fails where it is a mapping and has a key that is none of these; names its line, and the nearest or all of them. */
bool yaml_check_keys(const Yaml *map, const char *const *keys, int n, const char *where, Err *err) MUST_CHECK;

/* Is it an unquoted null, ~ or nothing at all? */
bool yaml_is_null(const Yaml *y);

/* Appends a text as a YAML scalar that reads back as the same text: plain where that is safe, else in double
 * quotes. */
void yaml_append_text(Str *s, const char *text);

#endif
