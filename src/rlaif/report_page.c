/* The words of the page: escaped text, numbers as people read them, tables of measures. */
#include "rlaif/report_internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval_internal.h"

#include <stdarg.h>

/* --- text ----------------------------------------------------------------------------------------------- */

void html_prompt(Str *out, const char *name)
{
    const char *base = path_base(name ? name : "a judge prompt");
    size_t n = strlen(base);
    char *text = mem_strn(base, n - (str_ends(base, ".yaml") ? strlen(".yaml") : 0));
    str_add(out, "<b>");
    html_text(out, text);
    str_add(out, "</b>");
    free(text);
}

void html_stage(Str *out, const ReportStage *s)
{
    str_addf(out, "<a href=\"#stage-%d\">", s->number);
    html_text(out, s->row.name);
    str_add(out, "</a>");
}

void html_named(Str *out, const Report *r, const char *name)
{
    for (int i = 0; name && i < r->n; i++)
        if (strcmp(r->stage[i].row.name, name) == 0) {
            html_stage(out, &r->stage[i]);
            return;
        }
    html_text(out, name ? name : "?");
}

void html_heading(Str *out, int level, const char *id, const char *text)
{
    if (id)
        str_addf(out, "<h%d id=\"%s\">%s</h%d>\n", level, id, text, level);
    else
        str_addf(out, "<h%d>%s</h%d>\n", level, text, level);
}

void html_p(Str *out, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    text = mem_alloc((size_t)n + 1, 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    str_addf(out, "<p>%s</p>\n", text);
    free(text);
}

/* --- numbers -------------------------------------------------------------------------------------------- */

static const char DASH[] = "\xe2\x80\x93", MINUS[] = "\xe2\x88\x92";

/* A number of one printf format, with a real minus and never a negative zero. */
static Said said(double x, const char *plus, int decimals, const char *after)
{
    Said s;
    char digits[60];
    snprintf(digits, sizeof digits, "%.*f", decimals, fabs(x));
    bool zero = strspn(digits, "0.") == strlen(digits);
    if (!isfinite(x))
        snprintf(s.text, sizeof s.text, "%s", DASH);
    else
        snprintf(s.text, sizeof s.text, "%s%s%s", zero ? "" : x < 0 ? MINUS : plus, digits, after);
    return s;
}

Said say_number(double x, int decimals)
{
    return said(x, "", decimals, "");
}

Said say_signed(double x, int decimals)
{
    return said(x, "+", decimals, "");
}

Said say_percent(double x)
{
    return said(100 * x, "", 1, " %");
}

Said say_p(double p)
{
    Said s = said(p, "p = ", p < 0.01 ? 4 : 3, "");
    if (p < 1e-4)
        snprintf(s.text, sizeof s.text, "p &lt; 0.0001");
    return s;
}

Said say_range(const json_t *interval, double times, int decimals)
{
    Said s = {"no interval"};
    decimals = interval_decimals(interval, times, decimals);
    if (json_array_size(interval) == 2)
        snprintf(s.text, sizeof s.text, "%s to %s",
                 say_number(times * json_number_value(json_array_get(interval, 0)), decimals).text,
                 say_number(times * json_number_value(json_array_get(interval, 1)), decimals).text);
    return s;
}

Said say_count(double n, const char *one, const char *many)
{
    Said s;
    snprintf(s.text, sizeof s.text, "%.0f %s", n, n == 1 ? one : many);
    return s;
}

bool range_holds(const json_t *interval, double x)
{
    return json_array_size(interval) != 2 ||
           (json_number_value(json_array_get(interval, 0)) <= x && x <= json_number_value(json_array_get(interval, 1)));
}

/* --- tables --------------------------------------------------------------------------------------------- */

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
    case AS_YES: str_add(out, json_is_boolean(v) ? json_is_true(v) ? "yes" : "no" : DASH); break;
    }
    if (json_array_size(range) == 2) {
        bool share = m->format == AS_PERCENT || m->format == AS_POINTS;
        str_addf(out, "<span class=\"range\">%s</span>",
                 say_range(range, share ? 100 : 1, share || m->format == AS_TENTHS ? 1 : 3).text);
    }
    str_add(out, "</td>");
}

enum { SIDE_BY_SIDE = 6 }; /* columns that a printed page has room for */

static void measure_rows(Str *out, const Measure *m, int n, const json_t *const *column, int columns)
{
    for (int i = 0; i < n; i++) {
        bool present = false;
        for (int c = 0; c < columns; c++)
            present = present || json_object_get(column[c], m[i].key);
        if (!present)
            continue;
        str_addf(out, "<tr><th>%s</th>", m[i].label);
        for (int c = 0; c < columns; c++)
            measure_cell(out, &m[i], column[c]);
        str_add(out, "</tr>\n");
    }
}

void html_measures(Str *out, const Measure *m, int n, const json_t *const *column, const char *const *head, int columns)
{
    for (int from = 0, end; from < columns; from = end) {
        end = columns - from > SIDE_BY_SIDE ? from + SIDE_BY_SIDE : columns;
        str_add(out, "<div class=\"wide\"><table>\n<thead><tr><th></th>");
        for (int c = from; c < end; c++)
            str_addf(out, "<th>%s</th>", head[c]);
        str_add(out, "</tr></thead>\n<tbody>\n");
        measure_rows(out, m, n, column + from, end - from);
        str_add(out, "</tbody></table></div>\n");
    }
}

void html_object(Str *out, const json_t *object, const Measure *m, int n)
{
    str_add(out, "<div class=\"wide\"><table>\n<tbody>\n");
    measure_rows(out, m, n, &object, 1);
    str_add(out, "</tbody></table></div>\n");
}

void html_objects(Str *out, const Report *r, const json_t *list, HtmlHead *head, const Measure *m, int n)
{
    const json_t *column[MOST_STAGES];
    char *heads[MOST_STAGES];
    int columns = 0;
    for (; columns < MOST_STAGES && (size_t)columns < json_array_size(list); columns++) {
        Str h = {0};
        column[columns] = json_array_get(list, (size_t)columns);
        head(&h, r, column[columns]);
        heads[columns] = str_take(&h);
    }
    html_measures(out, m, n, column, (const char *const *)heads, columns);
    for (int i = 0; i < columns; i++)
        free(heads[i]);
}
