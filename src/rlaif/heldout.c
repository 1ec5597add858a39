/* Held-out prompts. */
#include "rlaif/heldout.h"

#include "base/mem.h"

static bool refuse(const Rows *rows, int i, const char *where, Err *err)
{
    char place[300];
    err_set(err, ERR_INPUT, "%s: the prompt also occurs in %s", row_place(rows, i, place), where);
    return err_hint(
        err, "an evaluation needs prompts that nothing was trained on or chosen by: take it out of one of the two");
}

static bool check_store(const Work *work, const Rows *rows, Err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        char hash[HASH_TEXT], *stage;
        context_hash(&rows->row[i].view.context, hash);
        ok = store_context_find(work->store, hash, !work->choosing, &stage, err);
        if (ok && stage) {
            char *where = mem_printf("the stage \"%s\"", stage);
            ok = refuse(rows, i, where, err);
            free(where);
        }
        free(stage);
    }
    return ok;
}

/* Rows by the hashes of their prompts: object hash -> number. */
static json_t *index_prompts(const Rows *rows)
{
    json_t *index = json_object();
    for (int i = 0; i < rows->n; i++) {
        char hash[HASH_TEXT];
        context_hash(&rows->row[i].view.context, hash);
        json_object_set_new(index, hash, json_integer(i));
    }
    return index;
}

static bool check_rows(const Rows *rows, const json_t *index, const Rows *trained, Err *err)
{
    for (int i = 0; i < trained->n; i++) {
        Context *c = &trained->row[i].view.context;
        char hash[HASH_TEXT], where[300];
        context_hash(c, hash);
        const json_t *met = json_object_get(index, hash);
        if (met)
            return refuse(rows, (int)json_integer_value(met), row_place(trained, i, where), err);
    }
    return true;
}

bool heldout_check(Work *work, const Rows *rows, const OptionList *trained_on, Err *err)
{
    if (!check_store(work, rows, err))
        return false;
    json_t *index = trained_on->n > 0 ? index_prompts(rows) : NULL;
    bool ok = true;
    for (int i = 0; ok && i < trained_on->n; i++) {
        Rows trained = {0};
        ok = stage_read_rows(work, trained_on->item[i], 0, NEED_CONTEXT, false, &trained, err) &&
             check_rows(rows, index, &trained, err);
        rows_release(&trained);
    }
    json_decref(index);
    return ok;
}
