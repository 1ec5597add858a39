/* Held-out prompts. */
#include "rlaif/heldout.h"

#include "base/file.h"
#include "base/mem.h"

bool heldout_refuse(const char *place, const char *where, Err *err)
{
    err_set(err, ERR_INPUT, "%s: the prompt also occurs in %s", place, where);
    return err_hint(
        err, "an evaluation needs prompts that nothing was trained on or chosen by: take it out of one of the two");
}

/* `of`: where the store is, for messages; "": it is the one at hand. */
static bool check_store(Store *store, const char *of, bool chosen, const Rows *rows, Err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        char hash[HASH_TEXT], place[300], *stage;
        context_hash(&rows->row[i].view.context, hash);
        ok = store_context_find(store, hash, chosen, &stage, err);
        if (ok && stage) {
            char *where = mem_printf("the stage \"%s\"%s", stage, of);
            ok = heldout_refuse(row_place(rows, i, place), where, err);
            free(where);
        }
        free(stage);
    }
    return ok;
}

json_t *heldout_index(const Rows *rows)
{
    json_t *index = json_object();
    for (int i = 0; i < rows->n; i++) {
        char hash[HASH_TEXT], place[300];
        context_hash(&rows->row[i].view.context, hash);
        if (!json_object_get(index, hash))
            json_object_set_new(index, hash, json_string(row_place(rows, i, place)));
    }
    return index;
}

static bool check_rows(const json_t *index, const Rows *trained, Err *err)
{
    for (int i = 0; i < trained->n; i++) {
        char hash[HASH_TEXT], where[300];
        context_hash(&trained->row[i].view.context, hash);
        const char *place = json_text_of(index, hash);
        if (place)
            return heldout_refuse(place, row_place(trained, i, where), err);
    }
    return true;
}

bool heldout_check(Work *work, const Rows *rows, const OptionList *trained_on, Err *err)
{
    if (!check_store(work->store, "", !work->choosing, rows, err))
        return false;
    json_t *index = trained_on->n > 0 ? heldout_index(rows) : NULL;
    bool ok = true;
    for (int i = 0; ok && i < trained_on->n; i++) {
        Rows trained = {0};
        ok = stage_read_rows(work, trained_on->item[i], 0, NEED_CONTEXT, false, &trained, err) &&
             check_rows(index, &trained, err);
        rows_release(&trained);
    }
    json_decref(index);
    return ok;
}

/* A store beside a model; one that is not there, or is the one at hand, says nothing. */
static bool check_beside(const Work *work, const Rows *rows, const char *path, Err *err)
{
    Store *store;
    Err unread = {0};
    if (!file_exists(path) || strcmp(path, store_path(work->store)) == 0)
        return true;
    if (!store_open_existing(&store, path, &unread)) {
        log_warn("%s; what it has of the training is not looked at: name the rows with --trained-on", unread.msg);
        return true;
    }
    char *of = mem_printf(" of %s", path);
    bool ok = check_store(store, of, true, rows, err);
    store_close(store);
    free(of);
    return ok;
}

bool heldout_check_model(const Work *work, const Rows *rows, const char *model, Err *err)
{
    size_t n = strlen(model);
    while (n > 1 && model[n - 1] == '/')
        n--;
    char *dir = mem_strn(model, n), *own = mem_printf("%s.rlaif", dir);
    char *of_run = mem_printf("%.*sstore.sqlite", (int)(path_base(dir) - dir), dir);
    bool ok = check_beside(work, rows, own, err) && check_beside(work, rows, of_run, err);
    free(dir);
    free(own);
    free(of_run);
    return ok;
}

bool heldout_hash_rows(Work *work, const char *source, RowNeed need, bool skip_bad, const Rows *trained,
                       char out[HASH_TEXT], Err *err)
{
    Rows rows = {0};
    out[0] = 0;
    if (!source)
        return true;
    bool ok = stage_read_rows(work, source, 0, need, skip_bad, &rows, err);
    json_t *index = ok ? heldout_index(&rows) : NULL;
    ok = ok && check_rows(index, trained, err);
    if (ok)
        rows_hash(&rows, out);
    json_decref(index);
    rows_release(&rows);
    return ok;
}
