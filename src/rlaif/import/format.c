/* Public formats, row by row. */
#include "rlaif/import/format.h"

#include "base/mem.h"
#include "rlaif/import/rating_items.h"
#include "rlaif/import/replies.h"
#include "rlaif/rows/comparison.h"
#include "rlaif/rows/transcript.h"

static void keep_others(json_t *out, const json_t *row, const char *const *used, int n)
{
    json_t *names = json_object();
    for (int i = 0; i < n; i++)
        json_object_set_new(names, used[i], json_true());
    import_keep_others(out, row, names);
    json_decref(names);
}

/* --- pairs: what row_view makes of them ----------------------------------------------------------------- */

static bool from_chosen_rejected(const json_t *row, json_t *out, Err *err)
{
    json_t *prompt, *used = json_pack("{s:b, s:b, s:b, s:b, s:b, s:b}", "prompt", 1, "chosen", 1, "rejected", 1,
                                      "responses", 1, "blank_before", 1, "ended", 1);
    RowView v;
    bool ok = row_view(row, NEED_PAIR, &v, err);
    if (ok && comparison_prompt(row, &prompt, used, err)) { /* which the view has read */
        import_set_pair(out, &v);
        import_keep_others(out, row, used);
        json_decref(prompt);
    }
    if (ok)
        row_view_release(&v);
    json_decref(used);
    return ok;
}

static json_t *without(const json_t *object, const char *const *names, int n)
{
    json_t *left = json_copy((json_t *)(uintptr_t)object);
    for (int i = 0; i < n; i++)
        json_object_del(left, names[i]);
    return left;
}

/* What info and summaries hold beside the texts: the post's id, the policies. */
static json_t *comparison_rest(const json_t *row)
{
    static const char *const of_info[] = {"subreddit", "title", "post"}, *const of_summary[] = {"text"};
    json_t *rest = json_object(), *summaries = json_array(), *s;
    size_t i;
    json_object_set_new(rest, "info", without(json_object_get(row, "info"), of_info, COUNT(of_info)));
    json_array_foreach(json_object_get(row, "summaries"), i, s)
        json_array_append_new(summaries, without(s, of_summary, COUNT(of_summary)));
    json_object_set_new(rest, "summaries", summaries);
    return rest;
}

static bool from_comparison(const json_t *row, json_t *out, Err *err)
{
    static const char *const used[] = {"info", "summaries", "choice"};
    RowView v;
    if (!row_view(row, NEED_PAIR, &v, err))
        return false;
    import_set_pair(out, &v);
    row_view_release(&v);
    json_t *confidence = json_field(json_object_get(row, "extra"), "confidence");
    if (confidence && !json_field(row, "confidence"))
        json_object_set(out, "confidence", confidence);
    json_object_set_new(out, "comparison", comparison_rest(row));
    keep_others(out, row, used, COUNT(used));
    return true;
}

static bool has(const json_t *row, const char *name)
{
    return json_field(row, name) != NULL;
}

/* --- prompts and demonstrations ------------------------------------------------------------------------- */

static bool from_post(const json_t *row, json_t *out, Err *err)
{
    static const char *const used[] = {"subreddit", "title", "post", "summary"};
    const char *text[COUNT(used)];
    for (int i = 0; i < COUNT(used); i++) {
        text[i] = json_text_of(row, used[i]);
        if (!text[i] && i < 3)
            return err_set(err, ERR_INPUT, "the row has no text \"%s\"", used[i]);
    }
    char *prompt = mem_printf("SUBREDDIT: r/%s\n\nTITLE: %s\n\nPOST: %s\n\nTL;DR:", text[0], text[1], text[2]);
    json_object_set_new(out, "prompt", json_string(prompt));
    free(prompt);
    if (text[3]) {
        json_object_set_new(out, "completion", json_string(text[3] + (text[3][0] == ' ')));
        json_object_set_new(out, "blank_before", json_true());
    }
    keep_others(out, row, used, text[3] ? 4 : 3);
    return true;
}

static bool from_tldr(const json_t *row, json_t *out, Err *err)
{
    static const char *const used[] = {"query"};
    if (!json_text_of(row, "query"))
        return from_post(row, out, err);
    const char *reference = json_text_of(row, "reference");
    json_object_set(out, "prompt", json_object_get(row, "query"));
    keep_others(out, row, used, COUNT(used));
    if (reference && *reference && !strchr(" \t\r\n", *reference)) /* behind "TL;DR:", as a summary stands */
        json_object_set_new(out, "reference", json_take_text(mem_printf(" %s", reference)));
    return true;
}

static bool from_instruction(const json_t *row, json_t *out, Err *err)
{
    static const char *const used[] = {"instruction", "input", "output"};
    const char *instruction = json_text_of(row, "instruction"), *input = json_text_of(row, "input");
    const char *output = json_text_of(row, "output");
    if (!instruction || !output)
        return err_set(err, ERR_INPUT, "the row has no text \"%s\"", instruction ? "output" : "instruction");
    if (!comparison_no_history(row, err))
        return false;
    char *prompt = input && input[0] ? mem_printf("%s\n\n%s", instruction, input) : mem_str(instruction);
    json_object_set_new(out, "prompt", json_string(prompt));
    free(prompt);
    json_object_set_new(out, "completion", json_string(output));
    keep_others(out, row, used, COUNT(used));
    return true;
}

/* Turns as our rows have them, where a row has them otherwise. */
static void set_turns(json_t *out, const char *name, json_t *turns)
{
    if (!json_equal(json_object_get(out, name), turns))
        json_object_set(out, name, turns);
    json_decref(turns);
}

static bool from_rows(const json_t *row, json_t *out, Err *err)
{
    RowView v;
    if (!row_view(row, NEED_ANY, &v, err))
        return false;
    if (!json_field(row, "prompt") && v.n == 0) {
        row_view_release(&v);
        return err_set(err, ERR_INPUT, "the row has neither a prompt nor a response");
    }
    json_object_update(out, (json_t *)(uintptr_t)row);
    if (json_field(row, "prompt")) {
        set_turns(out, "prompt", context_exact(&v.context));
        if (v.preferred >= 0)
            json_object_set_new(out, "preferred", json_integer(v.preferred));
    } else if (has(row, "messages") || (has(row, "conversations") && !has(row, "chosen"))) {
        json_t *turns = context_turns(&v.context), *all = json_copy(turns);
        json_array_append_new(all, json_pack("{s:s, s:s}", "role", "assistant", "content", v.response[0].text));
        if (!has(row, "messages"))
            json_object_del(out, "conversations");
        set_turns(out, "messages", all);
        json_decref(turns);
    }
    const char *role = json_text_of(json_array_get(v.context.turns, 0), "role");
    if (role && strcmp(role, "system") == 0) /* it stands there now */
        json_object_del(out, "system"), json_object_del(out, "system_prompt");
    row_view_release(&v);
    return true;
}

/* --- ratings -------------------------------------------------------------------------------------------- */

bool rating_keys_read(const char *path, json_t **out, Err *err)
{
    Rows rows;
    *out = NULL;
    if (!rows_read(&rows, path, 0, false, err))
        return false;
    bool ok = true;
    *out = json_object();
    for (int i = 0; ok && i < rows.n; i++) {
        json_t *key = rows.row[i].json;
        const char *item = json_text_of(key, "item");
        char place[300];
        ok = (item && json_text_of(key, "kind") && json_is_array(json_object_get(key, "texts")) &&
              json_is_array(json_object_get(key, "shown")) &&
              json_array_size(json_object_get(key, "shown")) == json_array_size(json_object_get(key, "models"))) ||
             err_set(err, ERR_INPUT, "%s: the line is no key of an item", row_place(&rows, i, place)) ||
             err_hint(err, "rlaif rate export writes the key beside the page: FILE.key.jsonl");
        if (ok)
            json_object_set(*out, item, key);
    }
    rows_release(&rows);
    if (ok)
        return true;
    json_decref(*out);
    *out = NULL;
    return false;
}

bool import_rating(const json_t *row, const json_t *keys, json_t **out, Err *err)
{
    const char *item = json_text_of(row, "item");
    const json_t *key = item ? json_object_get(keys, item) : NULL;
    *out = NULL;
    if (!key)
        return err_set(err, ERR_INPUT, "the row rates no item of the key"),
               err_hint(err, "take the key that was written with the page that people rated on");
    return rating_row(key, row, out, err);
}

static bool without_key(const json_t *row, json_t *out, Err *err)
{
    (void)row, (void)out;
    return err_set(err, ERR_INPUT, "the row is a rating, and nothing says of what"),
           err_hint(err, "give the key that rlaif rate export wrote beside the page: --key FILE.key.jsonl");
}

/* --- which ---------------------------------------------------------------------------------------------- */

/* Replies that were compared, even if what is said of them cannot be read: that is told when they are. */
static bool has_replies(const json_t *row)
{
    Comparison c;
    Err err = {0};
    bool found = !comparison_read(row, &c, &err) || c.replies;
    comparison_release(&c);
    return found;
}

/* A pair of ours: what a person chose counts, and where two of a list were compared they are one pair already. */
static bool is_chosen_from(const json_t *row)
{
    return has(row, "preferred") && json_is_string(json_array_get(json_field(row, "responses"), 0));
}

static ImportFormat detect(const json_t *row)
{
    if (has(row, "info") && has(row, "summaries"))
        return IMPORT_COMPARISONS;
    if (has(row, "human_ref_A") && has(row, "human_ref_B"))
        return IMPORT_SHP;
    if (has(row, "chosen") && has(row, "rejected"))
        return json_is_string(json_field(row, "chosen")) && !has(row, "prompt") &&
                       transcript_is(json_text_of(row, "chosen"))
                   ? IMPORT_HH
                   : IMPORT_TRL;
    if (has(row, "item") && has(row, "rater") && !has(row, "responses"))
        return IMPORT_RATINGS;
    if (is_chosen_from(row))
        return IMPORT_ROWS;
    if (has_replies(row))
        return IMPORT_REPLIES;
    if (has(row, "prompt") || has(row, "messages") || has(row, "conversations"))
        return IMPORT_ROWS;
    if (has(row, "query") || (has(row, "post") && has(row, "title")))
        return IMPORT_TLDR;
    return has(row, "instruction") ? IMPORT_INSTRUCTION : IMPORT_AUTO;
}

/* The first field that a row of the format must have and this one has not; NULL: none. */
static const char *lacks(const json_t *row, ImportFormat format)
{
    static const char *const needs[IMPORT_FORMATS][4] = {
        [IMPORT_HH] = {"chosen", "rejected"},
        [IMPORT_TRL] = {"chosen", "rejected"},
        [IMPORT_COMPARISONS] = {"info", "summaries"},
        [IMPORT_SHP] = {"history", "human_ref_A", "human_ref_B", "labels"},
        [IMPORT_INSTRUCTION] = {"instruction", "output"},
    };
    for (int i = 0; i < COUNT(needs[0]) && needs[format][i]; i++)
        if (!has(row, needs[format][i]))
            return needs[format][i];
    return NULL;
}

/* A row that becomes one row. */
static bool one_row(const json_t *row, Imported *out, Err *err)
{
    static bool (*const from[IMPORT_FORMATS])(const json_t *, json_t *, Err *) = {
        [IMPORT_HH] = from_chosen_rejected,  [IMPORT_COMPARISONS] = from_comparison,  [IMPORT_TLDR] = from_tldr,
        [IMPORT_TRL] = from_chosen_rejected, [IMPORT_INSTRUCTION] = from_instruction, [IMPORT_ROWS] = from_rows,
        [IMPORT_RATINGS] = without_key,
    };
    json_t *one = json_object(), *id = json_field(row, "id");
    json_array_append_new(out->rows, one);
    if (id)
        json_object_set(one, "id", id); /* first, as a reader expects it */
    return from[out->format](row, one, err);
}

/* Fields that were kept could say what the rest of a row does not. */
static bool are_ours(const json_t *rows, Err *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < json_array_size(rows); i++) {
        RowView v;
        ok = row_view(json_array_get(rows, i), NEED_ANY, &v, err);
        if (ok)
            row_view_release(&v);
    }
    return ok;
}

bool import_row(const json_t *row, ImportFormat format, Imported *out, Err *err)
{
    *out = (Imported){.format = format == IMPORT_AUTO ? detect(row) : format};
    if (out->format == IMPORT_AUTO) {
        err_set(err, ERR_INPUT, "the fields of the row are those of no known format");
        return err_hint(err,
                        "rename its fields: prompt, response(s) or completion; rlaif help import lists the formats");
    }
    const char *missing = lacks(row, out->format);
    if (missing)
        return err_set(err, ERR_INPUT, "the row has no \"%s\"", missing),
               err_hint(err, "--format auto finds the format of each row");
    out->rows = json_array();
    bool ok = out->format == IMPORT_REPLIES || out->format == IMPORT_SHP ? import_replies(row, out, err)
                                                                         : one_row(row, out, err);
    if (ok && are_ours(out->rows, err))
        return true;
    json_decref(out->rows);
    out->rows = NULL;
    return false;
}
