/* Labelled pairs beside people's choices. */
#include "rlaif/eval/cases.h"

#include "base/log.h"
#include "base/mem.h"
#include "rlaif/eval/outcomes.h"

double case_is_right(double p, int preferred)
{
    double first = eval_outcome(p, 0.5);
    return preferred == 0 ? first : 1 - first;
}

static void read_orders(const json_t *label, Case *c)
{
    const json_t *orders = json_field(label, "orders"), *parts = orders ? orders : json_object_get(label, "scores");
    size_t n = json_array_size(parts);
    c->both = orders && n == 2;
    c->flip = json_bool_of(label, "flip", false);
    c->turned = json_bool_of(label, "noise", false);
    for (size_t i = 0; i < n; i++) {
        const json_t *part = json_array_get(parts, i);
        if (c->both)
            c->order[i] = json_number_of(part, "p", 0.5);
        c->mass = (i ? c->mass : 0) + json_number_of(part, "mass", (double)NAN) / (double)n;
    }
}

static bool read_case(const Row *row, Case *c, Err *err)
{
    const RowView *v = &row->view;
    if (!v->has_label)
        return err_set(err, ERR_INPUT, "the row has no \"label\""), err_hint(err, "rlaif label adds labels");
    *c = (Case){.p = v->label, .preferred = v->preferred, .mass = (double)NAN};
    for (int i = 0; i < 2; i++)
        c->length[i] = text_characters(v->response[i].text);
    read_orders(json_object_get(row->json, "label"), c);
    const json_t *extra = json_object_get(row->json, "extra");
    double confidence = json_number_of(row->json, "confidence", json_number_of(extra, "confidence", 0));
    if (confidence >= 1 && confidence <= MOST_CONFIDENT && confidence == floor(confidence))
        c->confidence = (int)confidence;
    return true;
}

bool cases_read(const Rows *rows, bool skip_bad, Cases *c, Err *err)
{
    json_t *numbers = json_object();
    *c = (Cases){.at = mem_alloc((size_t)rows->n + 1, sizeof *c->at)};
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        char place[300];
        if (read_case(&rows->row[i], &c->at[c->n], err)) {
            c->at[c->n++].prompt = context_number(numbers, &rows->row[i].view.context);
            continue;
        }
        err_context(err, "%s", row_place(rows, i, place));
        ok = skip_bad;
        if (!ok)
            break;
        log_warn("%s; left out", err->msg);
        err_clear(err);
    }
    c->prompts = (int)json_object_size(numbers);
    json_decref(numbers);
    if (ok && c->n == 0)
        ok = err_set(err, ERR_INPUT, "%s: no row has a label", rows->path), err_hint(err, "rlaif label makes labels");
    return ok;
}

static int compare_margins(const void *a, const void *b)
{
    double x = fabs(((const Case *)a)->p - 0.5), y = fabs(((const Case *)b)->p - 0.5);
    return (x > y) - (x < y);
}

Cases cases_by_margin(const Cases *c)
{
    Cases sorted = {mem_copy(c->at, (size_t)c->n, sizeof *c->at), c->n, c->prompts};
    qsort(sorted.at, (size_t)c->n, sizeof *sorted.at, compare_margins);
    return sorted;
}

void cases_level(const Cases *sorted, double *x)
{
    for (int i = 0, end; i < sorted->n; i = end) {
        double sum = 0;
        for (end = i; end < sorted->n && compare_margins(&sorted->at[i], &sorted->at[end]) == 0; end++)
            sum += x[end];
        for (int k = i; k < end; k++)
            x[k] = sum / (end - i);
    }
}
