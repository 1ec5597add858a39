/* The sample browser: rows of a stage, or the rollouts of a training step, some at a time. */
#include "base/html.h"
#include "base/mem.h"
#include "serve/pages.h"
#include "serve/site.h"

enum {
    PAGE_ROWS = 20,
    MOST_TEXT = 20000, /* bytes of one text */
    MOST_LISTED = 16,  /* responses of a row, or of one side of it */
    MOST_STEP = 1000000000
};

/* --- one row -------------------------------------------------------------------------------------------- */

static void add_text(Str *out, const char *text)
{
    size_t more = html_text_cut(out, text, MOST_TEXT);
    if (more > 0)
        str_addf(out, " &hellip; <i>(%zu bytes more)</i>", more);
}

static void add_prompt(Str *out, const json_t *row)
{
    RowView v;
    Err unused = {0};
    if (!row_view(row, NEED_CONTEXT, &v, &unused))
        return;
    char *text = context_lines(&v.context);
    str_add(out, "<div class=\"said\">");
    add_text(out, text);
    str_add(out, "</div>\n");
    free(text);
    row_view_release(&v);
}

/* The entry of a response in a field that may be a list. */
static const json_t *entry(const json_t *row, const char *name, size_t i)
{
    const json_t *value = json_object_get(row, name);
    return json_is_array(value) ? json_array_get(value, i) : value;
}

/* "score 0.41", where the row has such a number of this response. */
static void add_number(Str *out, const json_t *row, const char *name, size_t i)
{
    const json_t *value = entry(row, name, i);
    if (json_is_number(value))
        str_addf(out, " &middot; %s %.4g", name, json_number_value(value));
}

static void add_response(Str *out, const json_t *row, const char *title, const json_t *text, size_t i)
{
    static const char *const numbers[] = {"score", "reward", "rewards", "ranks", "kl"};
    if (!json_is_string(text))
        return;
    str_addf(out, "<div class=\"card\"><div class=\"who\">%s", title);
    for (int k = 0; k < COUNT(numbers); k++)
        add_number(out, row, numbers[k], i);
    if (json_is_false(entry(row, "ended", i)))
        str_add(out, " &middot; cut off");
    str_add(out, "</div><div class=\"said\">");
    add_text(out, json_string_value(text));
    str_add(out, "</div></div>\n");
}

/* The responses of a list, the first of them shown. */
static void add_list(Str *out, const json_t *row, const char *name, const char *what)
{
    const json_t *list = json_object_get(row, name);
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < MOST_LISTED; i++) {
        char title[40];
        snprintf(title, sizeof title, "%s %zu", what, i + 1);
        add_response(out, row, title, json_array_get(list, i), i);
    }
    if (n > MOST_LISTED)
        str_addf(out, "<p class=\"soft\">%zu more responses</p>\n", n - MOST_LISTED);
}

static void add_responses(Str *out, const json_t *row)
{
    add_response(out, row, "response", json_object_get(row, "response"), 0);
    add_list(out, row, "responses", "response");
    add_list(out, row, "a", "A");
    add_list(out, row, "b", "B");
}

static bool add_row(void *context, const char *text, Err *err)
{
    Str *out = context;
    json_t *row;
    if (!json_parse(text, strlen(text), "a stored row", &row, err))
        return false;
    const json_t *p = json_object_get(json_object_get(row, "label"), "p");
    str_add(out, "<div class=\"sample\">\n");
    add_prompt(out, row);
    add_responses(out, row);
    if (json_is_number(p))
        str_addf(out, "<p class=\"soft\">the first is preferred with probability %.3f</p>\n", json_number_value(p));
    str_add(out, "<details><summary>the whole row</summary><pre>");
    add_text(out, text);
    str_add(out, "</pre></details>\n</div>\n");
    json_decref(row);
    return true;
}

/* --- the page ------------------------------------------------------------------------------------------- */

/* ?name=N, at most `most`; `otherwise` where it is absent. */
static bool number_argument(const Request *r, const char *name, int otherwise, int most, int *out, Err *err)
{
    const char *text = request_argument(r, name);
    char *end;
    *out = otherwise;
    if (!text)
        return true;
    long n = strtol(text, &end, 10);
    *out = (int)n;
    return (end != text && *end == 0 && n >= 0 && n <= most) ||
           err_set(err, ERR_INPUT, "\"%s\" must be a number from 0 to %d", name, most);
}

/* Links to what stands before and behind; `what` is the argument that they change. */
static void add_moves(Str *out, const char *stage, const char *what, int before, int behind, const char *shown)
{
    const int to[] = {before, behind};
    static const char *const words[] = {"&larr; before", "behind &rarr;"};
    str_addf(out, "<nav><span class=\"soft\">%s</span>", shown);
    for (int i = 0; i < 2; i++) {
        if (to[i] < 0)
            continue;
        str_add(out, "<a href=\"/samples?stage=");
        link_argument(out, stage);
        str_addf(out, "&amp;%s=%d\">%s</a>", what, to[i], words[i]);
    }
    str_add(out, "</nav>\n");
}

/* Where a page of n things begins and what stands beside it: "rows 21 to 40 of 45". `what`: the argument of its
 * links. */
static bool add_part(Str *out, const char *stage, const Request *r, const char *things, const char *what, int n,
                     int *from, Err *err)
{
    char shown[80];
    if (!number_argument(r, "from", 0, MOST_STEP, from, err))
        return false;
    int end = *from + PAGE_ROWS < n ? *from + PAGE_ROWS : n;
    snprintf(shown, sizeof shown, "%s %d to %d of %d", things, *from + 1, end, n);
    int before = *from == 0 ? -1 : *from > PAGE_ROWS ? *from - PAGE_ROWS : 0, behind = end < n ? end : -1;
    add_moves(out, stage, what, before, behind, shown);
    return true;
}

static bool add_items(Str *out, Store *store, const StageRow *s, const Request *r, int items, Err *err)
{
    int from;
    return add_part(out, s->name, r, "rows", "from", items, &from, err) &&
           store_items_some(store, s->id, from, PAGE_ROWS, add_row, out, err);
}

static bool add_rollouts(Str *out, Store *store, const StageRow *s, const Request *r, int last, Err *err)
{
    int step, n, from = 0;
    char shown[80], what[40];
    if (!number_argument(r, "step", last, MOST_STEP, &step, err) || !store_rollouts_count(store, s->id, step, &n, err))
        return false;
    snprintf(shown, sizeof shown, "rollouts of step %d of %d", step, last);
    snprintf(what, sizeof what, "step=%d&amp;from", step);
    add_moves(out, s->name, "step", step > 0 ? step - 1 : -1, step < last ? step + 1 : -1, shown);
    return (n <= PAGE_ROWS || add_part(out, s->name, r, "rollouts", what, n, &from, err)) &&
           store_rollouts_some(store, s->id, step, from, PAGE_ROWS, add_row, out, err);
}

bool samples_page(Site *s, Work *work, const Request *request, Reply *out, Err *err)
{
    const char *name = request_argument(request, "stage");
    StageRow stage;
    bool present = false;
    int items = 0, last = -1;
    (void)s;
    if (!name || !store_stage_find(work->store, name, &stage, &present, err) || !present)
        return err_set(err, ERR_INPUT, "the run has no such stage");
    plain_policy(out->policy);
    plain_page_begin(&out->body, stage.name, true);
    bool ok =
        store_items_count(work->store, stage.id, &items, err) && store_rollouts_last(work->store, stage.id, &last, err);
    if (ok && items > 0)
        ok = add_items(&out->body, work->store, &stage, request, items, err);
    else if (ok && last >= 0)
        ok = add_rollouts(&out->body, work->store, &stage, request, last, err);
    else
        str_add(&out->body, "<p>There is nothing to look at.</p>\n");
    plain_page_end(&out->body);
    stage_row_release(&stage);
    return ok;
}
