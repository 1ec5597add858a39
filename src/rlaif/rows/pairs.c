/* Groups of pairs. Rows of more than two responses that nobody has compared yet become such, where pairs are needed: a row for
 * every two of them. */
#include "rlaif/rows/pairs.h"

#include "base/mem.h"
#include "rlaif/rows/comparison.h"
#include "rlaif/rows/context_key.h"
#include "rlaif/rows/view.h"

/* Has the row more than two responses, and nothing that says which is better? What cannot be read is left to the reader of
 * pairs, who says why. */
static bool is_list(const json_t *row, RowView *v)
{
    Comparison c = {0};
    Err none = {0};
    if (json_array_size(json_field(row, "responses")) <= 2 || !row_view(row, NEED_RESPONSES, v, &none))
        return false;
    bool list = v->n > 2 && v->n <= MOST_PAIRED && v->preferred < 0 && !v->has_label &&
                comparison_read(row, &c, &none) && !c.worth;
    comparison_release(&c);
    if (!list)
        row_view_release(v);
    return list;
}

/* The pair of responses a and b of a row of n, which loses its id to the group. */
static json_t *pair_of(const Row *row, int n, int a, int b)
{
    static const char *const of_each[] = {"responses", "ended",    "stripped", "score",
                                          "judgment",  "harmless", "models",   "probes"};
    json_t *out = json_copy(row->json);
    for (int i = 0; i < COUNT(of_each); i++) {
        json_t *list = json_object_get(out, of_each[i]);
        if (json_array_size(list) == (size_t)n)
            json_object_set_new(out, of_each[i],
                                json_pack("[O, O]", json_array_get(list, (size_t)a), json_array_get(list, (size_t)b)));
    }
    char *id = row_id(row->json);
    json_object_del(out, "id");
    json_object_set_new(out, "group", json_string(id ? id : row->key));
    json_object_set_new(out, "of", json_pack("[i, i]", a, b));
    free(id);
    return out;
}

/* Moves the pairs of a list's row to the end of `to`. Responses of the same text are no pair. */
static void add_pairs(Rows *to, int *cap, const Row *row, const RowView *v, json_t *contents)
{
    for (int a = 0; a < v->n; a++)
        for (int b = a + 1; b < v->n; b++) {
            if (strcmp(v->response[a].text, v->response[b].text) == 0) {
                to->equal++;
                continue;
            }
            Row pair = {.json = pair_of(row, v->n, a, b), .path = row->path, .line = row->line};
            row_name(&pair, contents);
            to->row = MEM_GROW(to->row, to->n, *cap);
            to->row[to->n++] = pair;
        }
}

bool rows_split_pairs(Rows *rows, Err *err)
{
    json_t *contents = json_object();
    Row *row = rows->row;
    int n = rows->n, cap = 0, lists = 0;
    for (int i = 0; i < n; i++) /* pairs that stand there already keep their names */
        row_count(&row[i], contents);
    rows->row = NULL;
    rows->n = 0;
    for (int i = 0; i < n; i++) {
        RowView v;
        if (is_list(row[i].json, &v)) {
            lists++;
            add_pairs(rows, &cap, &row[i], &v, contents);
            row_view_release(&v);
            json_decref(row[i].json);
            continue;
        }
        rows->row = MEM_GROW(rows->row, rows->n, cap);
        rows->row[rows->n++] = row[i];
    }
    free(row);
    json_decref(contents);
    if (rows->n > 0 || lists == 0)
        return true;
    err_set(err, ERR_INPUT, "%s: all responses to each prompt are equal: there is no pair", rows->path);
    return err_hint(err, "sample more of them, or at a higher --temperature");
}

/* --- groups --- */

bool row_is_grouped(const json_t *row)
{
    return json_field(row, "group") != NULL;
}

void rows_groups(const Rows *r, int *lead)
{
    json_t *first = json_object();
    for (int i = 0; i < r->n; i++) {
        lead[i] = i;
        if (!row_is_grouped(r->row[i].json))
            continue;
        char prompt[HASH_TEXT], *group = json_text(json_field(r->row[i].json, "group"));
        context_hash(&r->row[i].view.context, prompt);
        char *name = mem_printf("%s %s", prompt, group);
        const json_t *met = json_object_get(first, name);
        if (met)
            lead[i] = (int)json_integer_value(met);
        else
            json_object_set_new(first, name, json_integer(i));
        free(name);
        free(group);
    }
    json_decref(first);
}
