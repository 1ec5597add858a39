/* Responses of several policies. */
#include "rlaif/eval/replies.h"

#include "base/file.h"
#include "base/mem.h"

void replies_release(Replies *r)
{
    rows_release(&r->rows);
    for (int i = 0; i < r->policies; i++)
        free(r->policy[i]);
    free(r->policy);
    free(r->at);
    *r = (Replies){0};
}

/* "stage:NAME" -> NAME, "runs/after.jsonl.gz" -> after. The caller frees it. */
static char *source_name(const char *source)
{
    if (str_starts(source, "stage:"))
        return mem_str(source + strlen("stage:"));
    const char *base = path_base(source), *end = base;
    static const char *const ends[] = {".gz", ".zst", ".jsonl", ".json"};
    end += strlen(base);
    for (int i = 0; i < COUNT(ends); i++) {
        size_t n = strlen(ends[i]);
        if ((size_t)(end - base) > n && strncmp(end - n, ends[i], n) == 0)
            end -= n;
    }
    return mem_strn(base, (size_t)(end - base));
}

const ResponseView *reply_response(const Replies *r, const Reply *reply)
{
    return &r->rows.row[reply->row].view.response[reply->response];
}

const json_t *reply_field(const json_t *row, const Reply *reply, const char *name)
{
    const json_t *value = json_field(row, name);
    if (json_is_array(value))
        value = json_array_get(value, (size_t)reply->response);
    return json_is_null(value) ? NULL : value;
}

/* --- numbers for names --- */

typedef struct Numbering {
    Replies *out;
    json_t *policies, *prompts; /* name -> number */
} Numbering;

static int policy_number(Numbering *k, const char *name)
{
    int n = json_index_of(k->policies, name);
    if (n == k->out->policies) {
        k->out->policy = mem_resize(k->out->policy, (size_t)n + 1, sizeof *k->out->policy);
        k->out->policy[n] = mem_str(name);
        k->out->policies = n + 1;
    }
    return n;
}

/* The policy of one response: a source's own name where that decides, else the row's. */
static const char *policy_name(const json_t *row, const Reply *reply, const char *source, bool decides)
{
    const json_t *models = json_object_get(row, "models");
    const char *named = json_string_value(json_is_array(models) ? json_array_get(models, (size_t)reply->response)
                                                                : json_object_get(row, "model"));
    return decides || !named ? source : named;
}

static void add_row(Numbering *k, int row, const char *source, bool decides)
{
    Replies *out = k->out;
    const Row *r = &out->rows.row[row];
    char hash[HASH_TEXT];
    context_hash(&r->view.context, hash);
    int prompt = json_index_of(k->prompts, hash);
    out->prompts = (int)json_object_size(k->prompts);
    out->at = mem_resize(out->at, (size_t)(out->n + r->view.n), sizeof *out->at);
    for (int i = 0; i < r->view.n; i++) {
        Reply *reply = &out->at[out->n++];
        *reply = (Reply){row, i, 0, prompt, text_characters(r->view.response[i].text)};
        reply->policy = policy_number(k, policy_name(r->json, reply, source, decides));
    }
}

static Numbering numbering_begin(Replies *out)
{
    *out = (Replies){0};
    return (Numbering){out, json_object(), json_object()};
}

static void numbering_end(Numbering *k)
{
    json_decref(k->policies);
    json_decref(k->prompts);
}

static bool collect_row(void *context, const char *row, Err *err)
{
    (void)err;
    str_add(context, row);
    str_addc(context, '\n');
    return true;
}

bool ratings_read(Work *work, const char *kind, Rows *out, Err *err)
{
    Str text = {0};
    *out = (Rows){0};
    bool ok = store_ratings_each(work->store, kind, NULL, collect_row, &text, err);
    if (ok && text.n == 0) {
        ok = err_set(err, ERR_INPUT, "%s: nobody has %s yet", store_path(work->store),
                     strcmp(kind, "rank") == 0 ? "ranked responses" : "marked responses as harmless or not");
        err_hint(err, "rlaif serve RUN shows the page for that");
    }
    ok = ok && rows_parse(out, store_path(work->store), str_text(&text), text.n, 0, err) &&
         rows_view(out, NEED_RESPONSES, false, err);
    str_release(&text);
    return ok;
}

bool replies_of_ratings(Work *work, const char *kind, Replies *out, Err *err)
{
    Numbering k = numbering_begin(out);
    bool ok = ratings_read(work, kind, &out->rows, err);
    for (int i = 0; ok && i < out->rows.n; i++)
        add_row(&k, i, kind, false);
    numbering_end(&k);
    if (!ok)
        replies_release(out);
    return ok;
}

bool replies_read(Work *work, const OptionList *sources, int limit, bool skip_bad, Replies *out, Err *err)
{
    Numbering k = numbering_begin(out);
    bool ok = true;
    for (int i = 0; ok && i < sources->n; i++) {
        Rows rows;
        char *name = source_name(sources->item[i]);
        int first = out->rows.n;
        ok = stage_read_rows(work, sources->item[i], limit, NEED_RESPONSES, skip_bad, &rows, err);
        if (ok)
            rows_append(&out->rows, &rows);
        for (int r = first; r < out->rows.n; r++)
            add_row(&k, r, name, sources->n > 1);
        rows_release(&rows);
        free(name);
    }
    numbering_end(&k);
    if (!ok)
        replies_release(out);
    return ok;
}
