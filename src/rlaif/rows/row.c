/* What a row is called, and where it stands. */
#include "rlaif/rows/row.h"

#include "base/mem.h"
#include "base/rng.h"

/* Names that have been seen, for repeated ids and equal contents: object name -> times. */
static int times_seen(json_t *seen, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(seen, name)) + 1;
    json_object_set_new(seen, name, json_integer(n));
    return (int)n;
}

static char *name_in(const json_t *row, const char *field)
{
    const json_t *name = json_field(row, field);
    return json_is_string(name) ? mem_str(json_string_value(name)) : json_is_number(name) ? json_text(name) : NULL;
}

char *row_id(const json_t *row)
{
    return name_in(row, "id");
}

bool row_rater(const json_t *row, char **out, Err *err)
{
    *out = name_in(row, "rater");
    return *out || !json_field(row, "rater") || err_set(err, ERR_INPUT, "\"rater\" is neither a text nor a number") ||
           err_hint(err, "it says who judged: write a name, or leave it out");
}

static bool check_id(const json_t *row, const char *path, int line, Err *err)
{
    const json_t *id = json_field(row, "id");
    if (!id || json_is_string(id) || json_is_number(id))
        return true;
    char *text = json_text(id);
    err_set(err, ERR_INPUT, "%s:%d: the id %s is neither a text nor a number", path, line, text);
    free(text);
    return err_hint(err, "write it as a text, or leave it out");
}

/* The hash of what a row says: fields that are null say nothing. */
static void hash_content(const json_t *row, char out[HASH_TEXT])
{
    json_t *said = json_copy((json_t *)(uintptr_t)row), *value;
    const char *name;
    void *next;
    json_object_foreach_safe(said, next, name, value) if (json_is_null(value)) json_object_del(said, name);
    char *text = json_dumps(said, JSON_SORT_KEYS | JSON_COMPACT);
    hash_bytes(text, strlen(text), out);
    free(text);
    json_decref(said);
}

void row_name(Row *r, json_t *contents)
{
    char digits[HASH_TEXT];
    hash_content(r->json, digits);
    int n = times_seen(contents, digits);
    snprintf(r->key, sizeof r->key, n > 1 ? "%s#%d" : "%s", digits, n);
    char *id = row_id(r->json);
    r->identity = rng_row(id ? id : r->key);
    free(id);
}

void row_count(const Row *r, json_t *contents)
{
    char *digits = mem_strn(r->key, strcspn(r->key, "#"));
    times_seen(contents, digits);
    free(digits);
}

bool row_identify(Row *r, json_t *contents, json_t *ids, const char *path, Err *err)
{
    if (!check_id(r->json, path, r->line, err))
        return false;
    row_name(r, contents);
    char *id = row_id(r->json);
    bool repeated = id && times_seen(ids, id) > 1;
    if (repeated) {
        err_set(err, ERR_INPUT, "%s:%d: the id \"%s\" stands twice", path, r->line, id);
        err_hint(err, "ids name rows for random numbers: give every row its own, or none");
    }
    free(id);
    return !repeated;
}

bool row_is_single(const Row *row)
{
    return row->view.n == 1 && json_field(row->json, "response");
}

const char *row_place(const Rows *rows, int i, char out[300])
{
    const Row *row = &rows->row[i];
    snprintf(out, 300, "%s:%d", row->path ? row->path : rows->path, row->line);
    return out;
}
