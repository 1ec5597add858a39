/* What a row of another format becomes. */
#include "rlaif/import/imported.h"

#include "base/mem.h"

/* Names that mean something in our rows, and so cannot carry what another format means by them. A label is ours where
 * it is an object: rlaif label keeps the form of the rows that it labels. */
static bool is_taken(const char *name, const json_t *value)
{
    static const char *const ours[] = {"prompt", "completion", "messages",  "response", "responses",   "ended",
                                       "chosen", "rejected",   "preferred", "label",    "blank_before"};
    for (int i = 0; i < COUNT(ours); i++)
        if (strcmp(ours[i], name) == 0)
            return !(strcmp(name, "label") == 0 && json_is_object(value));
    return false;
}

void import_keep_others(json_t *out, const json_t *row, const json_t *used)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)row, name, value)
    {
        bool taken = is_taken(name, value);
        if (json_object_get(used, name) || (json_is_null(value) && (taken || strcmp(name, "id") == 0)))
            continue;
        char *kept = mem_printf("%s%s", taken ? "source_" : "", name);
        if (!json_object_get(out, kept))
            json_object_set(out, kept, value);
        free(kept);
    }
}

/* Responses as the list of a row. Where the row must say whether a blank is before them, it is one for all: of different ones the
 * blanks stand in the texts. */
static void set_responses(json_t *out, const RowView *v)
{
    json_t *responses = json_array(), *ended = json_array();
    bool usual = true, all = true, whole = true;
    for (int i = 0; i < v->n; i++) {
        const ResponseView *r = &v->response[i];
        usual = usual && r->blank_before == blank_before(&v->context, r->text);
        all = all && (r->blank_before || !*r->text);
        whole = whole && r->ended;
        json_array_append_new(ended, json_boolean(r->ended));
    }
    for (int i = 0; i < v->n; i++) {
        const ResponseView *r = &v->response[i];
        bool within = !usual && !all && r->blank_before;
        json_array_append_new(responses, json_take_text(mem_printf("%s%s", within ? " " : "", r->text)));
    }
    json_object_set_new(out, "responses", responses);
    if (!usual)
        json_object_set_new(out, "blank_before", json_boolean(all));
    if (!whole)
        json_object_set(out, "ended", ended);
    json_decref(ended);
}

void import_set_pair(json_t *out, const RowView *v)
{
    json_object_set_new(out, "prompt", context_json(&v->context));
    set_responses(out, v);
    if (v->preferred >= 0)
        json_object_set_new(out, "preferred", json_integer(v->preferred));
}
