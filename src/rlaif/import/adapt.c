/* Replies under names that a user gives, a suffix behind prompts, and prompts that are known. */
#include "rlaif/import/adapt.h"

#include "base/mem.h"
#include "rlaif/rows/context_key.h"
#include "rlaif/rows/rows.h"
#include "rlaif/rows/view.h"

static const char BLANKS[] = " \t\r\n";

/* --- two replies by their fields ------------------------------------------------------------------------ */

/* The field of "NAME=FIELD" or "FIELD". */
static const char *field_of(const char *named)
{
    const char *equals = strchr(named, '=');
    return equals ? equals + 1 : named;
}

static char *name_of(const char *named)
{
    return mem_strn(named, strcspn(named, "="));
}

bool import_replies_fit(const OptionList *replies)
{
    bool fit = replies->n == 2;
    for (int i = 0; fit && i < 2; i++)
        fit = replies->item[i][0] != '=' && *field_of(replies->item[i]);
    if (!fit)
        return false;
    char *name[2] = {name_of(replies->item[0]), name_of(replies->item[1])};
    fit = strcmp(name[0], name[1]) != 0 && strcmp(field_of(replies->item[0]), field_of(replies->item[1])) != 0;
    free(name[0]);
    free(name[1]);
    return fit;
}

/* One blank of those before the text, none of those behind it. */
static json_t *trimmed(const char *text)
{
    size_t before = strspn(text, BLANKS), n = strlen(text);
    while (n > before && strchr(BLANKS, text[n - 1]))
        n--;
    return json_take_text(mem_printf("%s%.*s", before > 0 ? " " : "", (int)(n - before), text + before));
}

bool import_named_replies(const json_t *row, const OptionList *replies, json_t **out, Err *err)
{
    static const char *const as[2][2] = {{"response_a", "model_a"}, {"response_b", "model_b"}};
    *out = json_copy((json_t *)(uintptr_t)row);
    for (int i = 0; i < 2; i++) {
        const char *field = field_of(replies->item[i]), *text = json_text_of(row, field);
        if (!text) {
            json_decref(*out);
            *out = NULL;
            return err_set(err, ERR_INPUT, "the row has no text \"%s\"", field),
                   err_hint(err, "--replies names the fields that hold two replies");
        }
        char *name = name_of(replies->item[i]);
        json_object_del(*out, field);
        json_object_set_new(*out, as[i][0], trimmed(text));
        json_object_set_new(*out, as[i][1], json_string(name));
        free(name);
    }
    return true;
}

/* --- a suffix ------------------------------------------------------------------------------------------- */

/* The turns with the suffix behind the last, or, where `answered`, the last but one; NULL: it is not the user's. */
static json_t *turns_with(const json_t *turns, bool answered, const char *suffix)
{
    size_t n = json_array_size(turns);
    json_t *last = n > answered ? json_array_get(turns, n - 1 - answered) : NULL;
    const char *role = json_text_of(last, "role");
    if (!role || strcmp(role, "user") != 0)
        return NULL;
    json_t *out = json_deep_copy(turns);
    json_object_set_new(json_array_get(out, n - 1 - answered), "content",
                        json_take_text(mem_printf("%s%s", json_text_of(last, "content"), suffix)));
    return out;
}

bool import_add_suffix(json_t *row, const char *suffix, Err *err)
{
    const char *field = json_field(row, "prompt") ? "prompt" : "messages";
    bool answered = strcmp(field, "messages") == 0;
    Context c = {0};
    if (!context_read(json_field(row, field), field, &c, err))
        return false;
    json_t *with = c.turns ? turns_with(c.turns, answered, suffix) : json_take_text(mem_printf("%s%s", c.text, suffix));
    context_release(&c);
    if (!with)
        return err_set(err, ERR_INPUT, "the last turn of the prompt is not the user's"),
               err_hint(err, "--suffix stands behind what the user said last");
    json_object_set_new(row, field, with);
    return true;
}

/* --- prompts of other files ----------------------------------------------------------------------------- */

bool import_hash_prompt(const json_t *row, char hash[HASH_TEXT], Err *err)
{
    RowView v;
    if (!row_view(row, NEED_ANY, &v, err))
        return false;
    context_hash(&v.context, hash);
    row_view_release(&v);
    return true;
}

bool import_known_prompts(const OptionList *files, json_t *known, Err *err)
{
    bool ok = true;
    for (int f = 0; ok && f < files->n; f++) {
        Rows rows = {0};
        ok = rows_read(&rows, files->item[f], 0, false, err);
        for (int i = 0; ok && i < rows.n; i++) {
            char hash[HASH_TEXT], place[300];
            ok = import_hash_prompt(rows.row[i].json, hash, err) || err_context(err, "%s", row_place(&rows, i, place));
            if (ok)
                json_object_set_new(known, hash, json_true());
        }
        rows_release(&rows);
    }
    return ok;
}
