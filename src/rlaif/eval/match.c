/* Rows of two policies put side by side. */
#include "rlaif/eval/match.h"

#include "base/mem.h"

static bool all_have_ids(const Rows *rows)
{
    for (int i = 0; i < rows->n; i++)
        if (!json_field(rows->row[i].json, "id"))
            return false;
    return true;
}

/* The name by which a row is found: its id, or its prompt and how often that has been seen. */
static char *match_name(const Row *row, bool by_id, json_t *seen)
{
    if (by_id)
        return row_id(row->json);
    char *prompt = context_key(&row->view.context);
    json_int_t n = json_integer_value(json_object_get(seen, prompt));
    json_object_set_new(seen, prompt, json_integer(n + 1));
    char *name = mem_printf("%" JSON_INTEGER_FORMAT " %s", n, prompt);
    free(prompt);
    return name;
}

/* Every row's number by its name. */
static json_t *index_rows(const Rows *rows, bool by_id)
{
    json_t *index = json_object(), *seen = json_object();
    for (int i = 0; i < rows->n; i++) {
        char *name = match_name(&rows->row[i], by_id, seen);
        json_object_set_new(index, name, json_integer(i));
        free(name);
    }
    json_decref(seen);
    return index;
}

/* The beginning of a prompt, or the id: for messages. */
static void describe(const Row *row, bool by_id, char out[80])
{
    char *text = by_id ? row_id(row->json) : context_lines(&row->view.context);
    size_t n = strcspn(text, "\n"), cut = str_cut(text, n < 60 ? n : 60);
    snprintf(out, 80, "%s%.*s%s", by_id ? "id " : "\"", (int)cut, text,
             by_id                ? ""
             : cut < strlen(text) ? "...\""
                                  : "\"");
    free(text);
}

/* A row whose name the other file's index lacks is bad. */
static bool check_found(Rows *rows, bool by_id, const json_t *other, const char *other_path, bool skip_bad, Err *err)
{
    json_t *seen = json_object();
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        char *name = match_name(&rows->row[i], by_id, seen), place[300], what[80];
        ok = json_object_get(other, name) != NULL;
        free(name);
        if (ok)
            continue;
        describe(&rows->row[i], by_id, what);
        err_set(err, ERR_INPUT, "%s: %s has no row for %s", row_place(rows, i, place), other_path, what);
        if (!skip_bad)
            err_hint(err,
                     by_id ? "both files must answer the same prompts; rows are matched by their ids"
                           : "both files must answer the same prompts; rows without ids are matched by their prompts");
        ok = rows_pass_over(rows, skip_bad, err);
    }
    json_decref(seen);
    return ok;
}

static json_t *texts(const RowView *v)
{
    json_t *list = json_array();
    for (int i = 0; i < v->n; i++)
        json_array_append_new(list, json_string(v->response[i].text));
    return list;
}

/* What is known of a side's responses beside their texts, where it is not what it would be taken for. */
static void set_flags(json_t *row, const char *side, const RowView *v)
{
    json_t *ended = json_array(), *blank = json_array();
    char name[40];
    bool usual_end = true, usual_blank = true;
    for (int i = 0; i < v->n; i++) {
        const ResponseView *r = &v->response[i];
        json_array_append_new(ended, json_boolean(r->ended));
        json_array_append_new(blank, json_boolean(r->blank_before));
        usual_end = usual_end && r->ended;
        usual_blank = usual_blank && r->blank_before == blank_before(&v->context, r->text);
    }
    snprintf(name, sizeof name, "%s_ended", side);
    if (!usual_end)
        json_object_set(row, name, ended);
    snprintf(name, sizeof name, "%s_blank_before", side);
    if (!usual_blank)
        json_object_set(row, name, blank);
    json_decref(ended);
    json_decref(blank);
}

/* Combined rows, each of one of A's. */
typedef struct Lines {
    Str text;
    int *of, n; /* [n]: its number */
} Lines;

static Lines lines_begin(const Rows *a)
{
    return (Lines){.of = mem_alloc((size_t)a->n + 1, sizeof(int))};
}

static void lines_release(Lines *l)
{
    str_release(&l->text);
    free(l->of);
}

/* Of A's i-th row. */
static void add_line(const Rows *rows, int i, const RowView *b, Lines *out)
{
    const Row *a = &rows->row[i];
    json_t *row = json_object(), *id = json_field(a->json, "id");
    if (id)
        json_object_set(row, "id", id);
    json_object_set_new(row, "prompt", context_json(&a->view.context));
    json_object_set_new(row, "a", texts(&a->view));
    json_object_set_new(row, "b", texts(b));
    set_flags(row, "a", &a->view);
    set_flags(row, "b", b);
    json_append(&out->text, row);
    str_addc(&out->text, '\n');
    out->of[out->n++] = i;
    json_decref(row);
}

static bool add_match(const Rows *a, int i, const Rows *b, int k, Lines *out, Err *err)
{
    const Row *x = &a->row[i], *y = &b->row[k];
    char at[300], other[300];
    row_place(a, i, at);
    row_place(b, k, other);
    if (x->view.n != y->view.n) {
        err_set(err, ERR_INPUT, "%s: %d %s, but %d in %s", at, x->view.n, x->view.n == 1 ? "response" : "responses",
                y->view.n, other);
        return err_hint(err, "sample both policies with the same --n");
    }
    char *first = context_key(&x->view.context), *second = context_key(&y->view.context);
    bool same = strcmp(first, second) == 0;
    free(first);
    free(second);
    if (!same)
        return err_set(err, ERR_INPUT, "%s: the prompt is another than in %s, which has the same id", at, other),
               err_hint(err, "both files must answer the same prompts");
    add_line(a, i, &y->view, out);
    return true;
}

/* What the combined lines are as rows, at the places of A's. */
static bool take_lines(const Rows *a, const Lines *lines, Rows *out, Err *err)
{
    if (!rows_are_left(a, lines->n, err) || !rows_parse(out, a->path, str_text(&lines->text), lines->text.n, 0, err) ||
        !rows_view(out, NEED_PROMPT, false, err))
        return false;
    for (int i = 0; i < out->n; i++)
        out->row[i].line = a->row[lines->of[i]].line;
    return true;
}

/* Post-processing that only one side had is a difference that is no policy's (paper.md 6.5). */
static void compare_stripping(const Rows *a, const Rows *b)
{
    int n[2] = {0};
    for (int side = 0; side < 2; side++) {
        const Rows *rows = side ? b : a;
        for (int i = 0; i < rows->n; i++)
            n[side] += json_field(rows->row[i].json, "stripped") != NULL;
    }
    if ((double)n[0] * b->n != (double)n[1] * a->n)
        log_note(
            "symbols behind the end were taken off in %d of %d rows of %s, but in %d of %d of %s: sample both policies "
            "with --strip-trailing, or neither",
            n[0], a->n, a->path, n[1], b->n, b->path);
}

static bool combine(Rows *a, Rows *b, int limit, bool skip_bad, Rows *out, Err *err)
{
    bool by_id = all_have_ids(a) && all_have_ids(b);
    json_t *of_a = index_rows(a, by_id), *of_b = index_rows(b, by_id), *seen = json_object();
    bool ok =
        check_found(a, by_id, of_b, b->path, skip_bad, err) && check_found(b, by_id, of_a, a->path, skip_bad, err);
    Lines lines = lines_begin(a);
    for (int i = 0; ok && i < a->n && (limit == 0 || i < limit); i++) {
        char *name = match_name(&a->row[i], by_id, seen);
        const json_t *of = json_object_get(of_b, name);
        ok = !of || add_match(a, i, b, (int)json_integer_value(of), &lines, err) || rows_pass_over(a, skip_bad, err);
        free(name);
    }
    ok = ok && take_lines(a, &lines, out, err);
    if (ok)
        compare_stripping(a, b);
    lines_release(&lines);
    json_decref(seen);
    json_decref(of_a);
    json_decref(of_b);
    return ok;
}

/* What a person wrote for the row's prompt, which stays the row's; its text is NULL where there is none. */
static ResponseView reference_of(const Row *row)
{
    const char *text = json_text_of(row->json, "reference");
    text = text ? text : json_text_of(row->json, "completion");
    bool blank = text && *text == ' ';
    return (ResponseView){.text = text ? (char *)(uintptr_t)text + blank : NULL,
                          .ended = true,
                          .blank_before = blank || (text && json_bool_of(row->json, "blank_before",
                                                                         blank_before(&row->view.context, text)))};
}

static bool with_references(Rows *a, int limit, bool skip_bad, Rows *out, Err *err)
{
    Lines lines = lines_begin(a);
    bool ok = true;
    for (int i = 0; ok && i < a->n && (limit == 0 || i < limit); i++) {
        const Row *row = &a->row[i];
        ResponseView reference = reference_of(row);
        char place[300];
        if (!reference.text) {
            err_set(err, ERR_INPUT, "%s: the row has no text \"reference\" or \"completion\"", row_place(a, i, place));
            err_hint(err, "the prompts must carry what people wrote when they are sampled");
            ok = rows_pass_over(a, skip_bad, err);
            continue;
        }
        RowView b = {.context = row->view.context, .n = row->view.n};
        b.response = mem_alloc((size_t)b.n, sizeof *b.response);
        for (int k = 0; k < b.n; k++)
            b.response[k] = reference;
        add_line(a, i, &b, &lines);
        free(b.response);
    }
    ok = ok && take_lines(a, &lines, out, err);
    lines_release(&lines);
    return ok;
}

bool match_rows(Work *work, const char *a, const char *b, int limit, bool skip_bad, Rows *out, Err *err)
{
    Rows of_a = {0}, of_b = {0};
    *out = (Rows){0};
    bool ok = stage_read_rows(work, a, 0, NEED_RESPONSES, skip_bad, &of_a, err);
    if (strcmp(b, REFERENCE) == 0)
        ok = ok && with_references(&of_a, limit, skip_bad, out, err);
    else
        ok = ok && stage_read_rows(work, b, 0, NEED_RESPONSES, skip_bad, &of_b, err) &&
             combine(&of_a, &of_b, limit, skip_bad, out, err);
    out->skipped = of_a.skipped + of_b.skipped;
    rows_release(&of_a);
    rows_release(&of_b);
    return ok;
}
