/* Held-out prompts. */
#include "rlaif/stage/heldout.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

bool heldout_refuse(const char *place, const char *where, Err *err)
{
    const char *colon = strrchr(place, ':');
    size_t path = colon ? (size_t)(colon - place) + 1 : 0; /* "FILE:" */
    if (path > 0 && strncmp(place, where, path) == 0) {
        const char *line = where + path;
        int digits = (int)strspn(line, "0123456789");
        err_set(err, ERR_INPUT, "%s: the prompt also occurs in line %.*s of the same file%s", place, digits, line,
                line + digits);
    } else
        err_set(err, ERR_INPUT, "%s: the prompt also occurs in %s", place, where);
    return err_hint(
        err, "an evaluation needs prompts that nothing was trained on or chosen by: take it out of one of the two");
}

/* Conversations of several turns that begin alike, as many of HH's do: not the same prompt, but no strangers either. */
typedef struct Alike {
    int n;
    char first[300]; /* place of the first */
    char where[400]; /* where the other one is */
} Alike;

static void alike_add(Alike *a, const Rows *rows, int i, const char *where)
{
    if (a->n++ > 0)
        return;
    row_place(rows, i, a->first);
    snprintf(a->where, sizeof a->where, "%s", where);
}

static void alike_warn(const Alike *a, const Rows *rows)
{
    if (a->n > 0)
        log_warn(
            "%s: %d of %d prompts begin with the same turn as others in what was trained on or chosen by, the first as "
            "one in %s: what was learned there may help here",
            a->first, a->n, rows->n, a->where);
}

/* A stage of the store that has one of these hashes (NULL: none), as words; NULL: there is none. The caller frees them. */
static bool find_stage(Store *store, const char *of, bool chosen, const char *const hash[2], char **where, Err *err)
{
    bool ok = true;
    *where = NULL;
    for (int i = 0; ok && !*where && i < 2 && hash[i]; i++) {
        char *stage;
        ok = store_context_find(store, hash[i], chosen, &stage, err);
        *where = ok && stage ? mem_printf("the stage \"%s\"%s", stage, of) : NULL;
        free(stage);
    }
    return ok;
}

/* `of`: where the store is, for messages; "": it is the one at hand. */
static bool check_store(Store *store, const char *of, bool chosen, const Rows *rows, Err *err)
{
    bool ok = true;
    Alike alike = {0};
    for (int i = 0; ok && i < rows->n; i++) {
        const Context *c = &rows->row[i].view.context;
        char hash[HASH_TEXT], alone[HASH_TEXT], longer[HASH_TEXT], place[300], *where;
        context_hash(c, hash);
        bool goes_on = context_first(c, alone, longer);
        ok = find_stage(store, of, chosen, (const char *[]){hash, NULL}, &where, err);
        if (ok && where) {
            ok = heldout_refuse(row_place(rows, i, place), where, err);
        } else if (ok) {
            ok = find_stage(store, of, chosen, (const char *[]){longer, goes_on ? alone : NULL}, &where, err);
            if (ok && where)
                alike_add(&alike, rows, i, where);
        }
        free(where);
    }
    alike_warn(&alike, rows);
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

/* Warns of rows that begin as rows trained on do, where one of the two goes on. */
static void warn_of_beginnings(const Rows *rows, const Rows *trained)
{
    Alike alike = {0};
    json_t *begins = json_object();
    for (int i = 0; i < trained->n; i++) {
        char alone[HASH_TEXT], longer[HASH_TEXT], where[300];
        bool goes_on = context_first(&trained->row[i].view.context, alone, longer);
        json_object_set_new(begins, goes_on ? longer : alone, json_string(row_place(trained, i, where)));
    }
    for (int i = 0; i < rows->n; i++) {
        char alone[HASH_TEXT], longer[HASH_TEXT];
        bool goes_on = context_first(&rows->row[i].view.context, alone, longer);
        const char *where = json_text_of(begins, longer);
        where = where || !goes_on ? where : json_text_of(begins, alone);
        if (where)
            alike_add(&alike, rows, i, where);
    }
    json_decref(begins);
    alike_warn(&alike, rows);
}

static bool check_rows(const Rows *rows, const Rows *trained, Err *err)
{
    json_t *index = heldout_index(rows);
    bool ok = true;
    for (int i = 0; ok && i < trained->n; i++) {
        char hash[HASH_TEXT], where[300];
        context_hash(&trained->row[i].view.context, hash);
        const char *place = json_text_of(index, hash);
        ok = !place || heldout_refuse(place, row_place(trained, i, where), err);
    }
    json_decref(index);
    if (ok)
        warn_of_beginnings(rows, trained);
    return ok;
}

bool heldout_check(Work *work, const Rows *rows, const OptionList *trained_on, Err *err)
{
    if (!check_store(work->store, "", !work->choosing, rows, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < trained_on->n; i++) {
        Rows trained = {0};
        ok = stage_read_rows(work, trained_on->item[i], 0, NEED_CONTEXT, false, &trained, err) &&
             check_rows(rows, &trained, err);
        rows_release(&trained);
    }
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
    ok = ok && check_rows(&rows, trained, err);
    if (ok)
        rows_hash(&rows, out);
    rows_release(&rows);
    return ok;
}

/* The hashes of the ids that the model reads before a reply; an object hash -> place. */
static bool read_by(const Model *m, bool chat, const Rows *rows, json_t **out, Err *err)
{
    bool ok = true;
    *out = json_object();
    for (int i = 0; ok && i < rows->n; i++) {
        Ids ids = {0};
        char hash[HASH_TEXT], place[300];
        row_place(rows, i, place);
        ok = render_context(m, &rows->row[i].view.context, chat, &ids, err) || err_context(err, "%s", place);
        if (ok) {
            hash_bytes(ids.id, (size_t)ids.n * sizeof *ids.id, hash);
            json_object_set_new(*out, hash, json_string(place));
        }
        ids_release(&ids);
    }
    return ok;
}

bool heldout_check_read(const Model *m, ChatMode mode, const Rows *rows, const Rows *trained, Err *err)
{
    json_t *held = NULL, *used = NULL, *place;
    const char *hash;
    bool chat, ok = render_chat(m, mode, &chat, err) && read_by(m, chat, rows, &held, err) &&
                    read_by(m, chat, trained, &used, err);
    json_object_foreach(held, hash, place)
    {
        const char *where = ok ? json_text_of(used, hash) : NULL;
        ok = ok && (!where || heldout_refuse(json_string_value(place), where, err));
    }
    json_decref(held);
    json_decref(used);
    return ok;
}
