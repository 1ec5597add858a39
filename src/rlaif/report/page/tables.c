/* The tables of the page: measures down, what was measured side by side. */
#include "rlaif/report/page/tables.h"

#include "base/mem.h"

static void measure_cell(Str *out, const Measure *m, const json_t *object)
{
    const json_t *v = json_object_get(object, m->key),
                 *range = m->interval ? json_object_get(object, m->interval) : NULL;
    double x = json_is_number(v) ? json_number_value(v) : (double)NAN;
    str_add(out, "<td>");
    switch (m->format) {
    case AS_COUNT: str_add(out, say_number(x, 0).text); break;
    case AS_TENTHS: str_add(out, say_number(x, 1).text); break;
    case AS_NUMBER: str_add(out, say_number(x, 3).text); break;
    case AS_GIVEN: str_add(out, say_given(x).text); break;
    case AS_SIGNED: str_add(out, say_signed(x, 3).text); break;
    case AS_PERCENT: str_add(out, say_percent(x).text); break;
    case AS_POINTS: str_addf(out, isfinite(x) ? "%s points" : "%s", say_signed(100 * x, 1).text); break;
    case AS_DOLLARS: str_addf(out, isfinite(x) ? "$%s" : "%s", say_number(x, 4).text); break;
    case AS_P: {
        Said p = isfinite(x) ? say_p(x) : say_number(x, 3);
        str_add(out, p.text + strspn(p.text, "p ="));
        break;
    }
    case AS_TEXT: html_text(out, json_string_value(v)); break;
    case AS_YES: str_add(out, json_is_boolean(v) ? json_is_true(v) ? "yes" : "no" : SAID_DASH); break;
    }
    if (json_array_size(range) == 2) {
        bool share = m->format == AS_PERCENT || m->format == AS_POINTS;
        str_addf(out, "<span class=\"range\">%s</span>",
                 say_range(range, share ? 100 : 1, share || m->format == AS_TENTHS ? 1 : 3).text);
    }
    str_add(out, "</td>");
}

enum { SIDE_BY_SIDE = 6 }; /* columns that a printed page has room for */

static void measure_rows(Str *out, const Measure *m, int n, const Column *column, int columns)
{
    for (int i = 0; i < n; i++) {
        bool present = false;
        for (int c = 0; c < columns; c++)
            present = present || json_object_get(column[c].object, m[i].key);
        if (!present)
            continue;
        str_addf(out, "<tr><th>%s</th>", m[i].label);
        for (int c = 0; c < columns; c++)
            measure_cell(out, &m[i], column[c].object);
        str_add(out, "</tr>\n");
    }
}

Str *columns_add(Columns *c, const json_t *object)
{
    c->column = MEM_GROW(c->column, c->n, c->cap);
    c->column[c->n] = (Column){.object = json_incref((json_t *)(uintptr_t)object)};
    return &c->column[c->n++].head;
}

static void columns_release(Columns *c)
{
    for (int i = 0; i < c->n; i++) {
        json_decref(c->column[i].object);
        str_release(&c->column[i].head);
    }
    free(c->column);
    *c = (Columns){0};
}

void html_columns(Str *out, Columns *c, const Measure *m, int n)
{
    for (int from = 0, end; from < c->n; from = end) {
        end = c->n - from > SIDE_BY_SIDE ? from + SIDE_BY_SIDE : c->n;
        str_add(out, "<div class=\"wide\"><table>\n<thead><tr><td></td>");
        for (int i = from; i < end; i++)
            str_addf(out, "<th>%s</th>", str_text(&c->column[i].head));
        str_add(out, "</tr></thead>\n<tbody>\n");
        measure_rows(out, m, n, c->column + from, end - from);
        str_add(out, "</tbody></table></div>\n");
    }
    columns_release(c);
}

void html_lines(Str *out, Columns *c, const Measure *m, int n)
{
    if (c->n > 0) {
        str_add(out, "<div class=\"wide\"><table class=\"lines\">\n<thead><tr><th></th>");
        for (int k = 0; k < n; k++)
            str_addf(out, "<th>%s</th>", m[k].label);
        str_add(out, "</tr></thead>\n<tbody>\n");
        for (int i = 0; i < c->n; i++) {
            str_addf(out, "<tr><th>%s</th>", str_text(&c->column[i].head));
            for (int k = 0; k < n; k++)
                measure_cell(out, &m[k], c->column[i].object);
            str_add(out, "</tr>\n");
        }
        str_add(out, "</tbody></table></div>\n");
    }
    columns_release(c);
}

void html_object(Str *out, const json_t *object, const Measure *m, int n)
{
    const Column one = {.object = (json_t *)(uintptr_t)object};
    str_add(out, "<div class=\"wide\"><table>\n<tbody>\n");
    measure_rows(out, m, n, &one, 1);
    str_add(out, "</tbody></table></div>\n");
}

void html_objects(Str *out, const Report *r, const json_t *list, HtmlHead *head, const Measure *m, int n)
{
    Columns c = {0};
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        head(columns_add(&c, one), r, one);
    }
    html_columns(out, &c, m, n);
}

/* --- people and policies -------------------------------------------------------------------------------- */

void head_policy(Str *out, const Report *r, const json_t *one)
{
    html_named(out, r, json_text_of(one, "policy"));
}

void head_against(Str *out, const Report *r, const json_t *one)
{
    html_named(out, r, json_text_of(one, "a"));
    str_add(out, "<br>against ");
    html_named(out, r, json_text_of(one, "b"));
}

void head_less(Str *out, const Report *r, const json_t *one)
{
    html_named(out, r, json_text_of(one, "a"));
    str_add(out, "<br>less ");
    html_named(out, r, json_text_of(one, "b"));
}

static void head_rater(Str *out, const Report *r, const json_t *one)
{
    const char *name = json_text_of(one, "rater");
    (void)r;
    html_text(out, name && name[0] ? name : "(no name)");
}

static const Measure rater_measures[] = {
    {"people", "raters", AS_COUNT, NULL},
    {"judgments of the same by two of them", "pairs", AS_COUNT, NULL},
    {"of these alike", "agreement", AS_PERCENT, "interval"},
    {"Cohen\xe2\x80\x99s kappa", "kappa", AS_NUMBER, NULL},
};
static const Measure by_rater_measures[] = {
    {"judgments", "judgments", AS_COUNT, NULL},
    {"beside another\xe2\x80\x99s", "pairs", AS_COUNT, NULL},
    {"of these alike", "agreement", AS_PERCENT, NULL},
};

void html_raters(Str *out, const Report *r, const json_t *raters)
{
    const json_t *list = json_object_get(raters, "by_rater");
    if (!json_is_object(raters))
        return;
    str_add(out, "<p class=\"note\">How far people agree with each other:</p>\n");
    html_object(out, raters, rater_measures, COUNT(rater_measures));
    if (json_array_size(list) > 1)
        html_objects(out, r, list, head_rater, by_rater_measures, COUNT(by_rater_measures));
}

void html_two_samples(Str *out)
{
    html_p(
        out,
        "<span class=\"note\">The paper\xe2\x80\x99s two-sample t-test takes rankings of one item as independent, though one "
        "policy\xe2\x80\x99s win is the other\xe2\x80\x99s loss: where nothing differs it calls about 17&nbsp;%% of win rates "
        "different at a nominal 5&nbsp;%%. The tests over prompts are to be believed.</span>");
}
