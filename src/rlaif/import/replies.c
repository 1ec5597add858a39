/* Import of replies that were compared: a row for every two of them. */
#include "rlaif/import/replies.h"

#include "base/mem.h"
#include "rlaif/rows/comparison.h"

/* Two replies of one prompt. */
typedef struct Couple {
    const Comparison *c;
    const RowView *view;
    int of[2];
    bool listed; /* they are two of a list, which may have more */
} Couple;

static const json_t *worth(const Couple *p, int i)
{
    return json_array_get(p->c->worth, (size_t)p->of[i]);
}

/* The entries of a list that are the couple's, if one of them says something. */
static void set_entries(json_t *out, const char *name, const json_t *list, const Couple *p)
{
    json_t *a = json_array_get(list, (size_t)p->of[0]), *b = json_array_get(list, (size_t)p->of[1]);
    if ((a && !json_is_null(a)) || (b && !json_is_null(b)))
        json_object_set_new(out, name, json_pack("[O, O]", a, b));
}

/* What else was said of the two. */
static void set_rest(json_t *out, const Couple *p)
{
    json_t *a = json_array_get(p->c->rest, (size_t)p->of[0]), *b = json_array_get(p->c->rest, (size_t)p->of[1]);
    if (json_object_size(a) + json_object_size(b) > 0)
        json_object_set_new(out, "comparison", json_pack("{s:[O, O]}", "replies", a, b));
}

static json_t *pair_row(const json_t *row, const Couple *p)
{
    const ResponseView *all = p->view->response;
    RowView pair = {.context = p->view->context,
                    .response = (ResponseView[]){all[p->of[0]], all[p->of[1]]},
                    .n = 2,
                    .preferred = -1};
    json_t *out = json_object(), *id = json_field(row, "id");
    if (json_is_number(worth(p, 0)))
        pair.preferred = json_number_value(worth(p, 1)) > json_number_value(worth(p, 0));
    if (id && !p->listed)
        json_object_set(out, "id", id);
    import_set_pair(out, &pair);
    set_entries(out, "models", p->c->models, p);
    if (p->listed) {
        json_object_set_new(out, "of", json_pack("[i, i]", p->of[0], p->of[1]));
        if (!p->c->ranked)
            set_entries(out, "scores", p->c->worth, p);
    }
    set_rest(out, p);
    import_keep_others(out, row, p->c->used);
    if (p->listed)
        json_object_del(out, "id"); /* the group has it */
    return out;
}

/* Is there a better one of two? Counts where not. */
static bool has_better(const Couple *p, Imported *out)
{
    const ResponseView *r = p->view->response;
    const json_t *a = worth(p, 0), *b = worth(p, 1);
    if (!p->c->worth)
        return true; /* nobody was asked, and the row says so */
    if (!json_is_number(a) || !json_is_number(b))
        return out->unscored++, false;
    if (json_number_value(a) == json_number_value(b) || strcmp(r[p->of[0]].text, r[p->of[1]].text) == 0)
        return out->ties++, false;
    return true;
}

static bool add_couples(const json_t *row, const Comparison *c, const RowView *v, Imported *out, Err *err)
{
    bool listed = json_array_size(c->name) == 1;
    if (v->n > 2 && !c->worth) {
        err_set(err, ERR_INPUT, "nothing says which of %d responses is better", v->n);
        return err_hint(err, "call them responses, or give each a score");
    }
    out->grouped = listed || v->n > 2;
    for (int i = 0; i < v->n; i++)
        for (int k = i + 1; k < v->n; k++) {
            Couple p = {.c = c, .view = v, .of = {i, k}, .listed = out->grouped};
            if (has_better(&p, out))
                json_array_append_new(out->rows, pair_row(row, &p));
        }
    return true;
}

bool import_replies(const json_t *row, Imported *out, Err *err)
{
    Comparison c;
    RowView v;
    if (!comparison_read(row, &c, err))
        return false;
    if (!c.replies)
        return err_set(err, ERR_INPUT, "the row has no replies that were compared"),
               err_hint(err, "--format auto finds the format of each row");
    bool ok = row_view(row, NEED_RESPONSES, &v, err);
    if (ok) {
        ok = add_couples(row, &c, &v, out, err);
        row_view_release(&v);
    }
    comparison_release(&c);
    return ok;
}

/* --- replies in rows of their own ----------------------------------------------------------------------- */

static bool is_scored_reply(const json_t *row)
{
    return json_field(row, "prompt") && json_text_of(row, "response") &&
           json_is_number(json_field(row, "helpfulness")) && !json_field(row, "responses");
}

/* A reply's row as an entry of the list. */
static json_t *entry(const json_t *row)
{
    json_t *reply = json_copy((json_t *)(uintptr_t)row);
    json_object_del(reply, "prompt");
    return reply;
}

void import_gather(Rows *rows, int *alone)
{
    json_t *lists = json_object(), *list;
    const char *name;
    bool *in = mem_alloc((size_t)rows->n + 1, sizeof *in), any = false;
    *alone = 0;
    for (int i = 0; i < rows->n; i++) {
        const json_t *row = rows->row[i].json;
        if (!is_scored_reply(row))
            continue;
        char *prompt = json_text(json_object_get(row, "prompt"));
        list = json_object_get(lists, prompt);
        if (!list)
            json_object_set_new(lists, prompt, list = json_array());
        json_array_append_new(list, entry(row));
        free(prompt);
    }
    json_object_foreach(lists, name, list) any = any || json_array_size(list) > 1;
    for (int i = 0; i < rows->n; i++) {
        json_t **row = &rows->row[i].json;
        in[i] = true;
        if (!any || !is_scored_reply(*row))
            continue;
        char *prompt = json_text(json_object_get(*row, "prompt"));
        list = json_object_get(lists, prompt);
        in[i] = json_array_size(list) > 1; /* the first of several; of those that follow the list is empty */
        *alone += json_array_size(list) == 1;
        if (in[i]) {
            json_t *id = json_incref(json_field(*row, "id")), *all = json_object();
            if (id)
                json_object_set_new(all, "id", id);
            json_object_set(all, "prompt", json_object_get(*row, "prompt"));
            json_object_set_new(all, "completions", json_copy(list));
            json_decref(*row);
            *row = all;
        }
        json_array_clear(list);
        free(prompt);
    }
    rows_keep(rows, in);
    free(in);
    json_decref(lists);
}
