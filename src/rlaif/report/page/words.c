/* The words of the page: numbers as people read them, stages, judges, policies and replies by what they are called. */
#include "rlaif/report/page/words.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/eval/numbers.h"

#include <stdarg.h>

/* --- numbers -------------------------------------------------------------------------------------------- */

static const char MINUS[] = "\xe2\x88\x92";

/* A number of one printf format, with a real minus and never a negative zero. */
static Said said(double x, const char *plus, int decimals, const char *after)
{
    Said s;
    char digits[60];
    snprintf(digits, sizeof digits, "%.*f", decimals, fabs(x));
    bool zero = strspn(digits, "0.") == strlen(digits);
    if (!isfinite(x))
        snprintf(s.text, sizeof s.text, "%s", SAID_DASH);
    else
        snprintf(s.text, sizeof s.text, "%s%s%s", zero ? "" : x < 0 ? MINUS : plus, digits, after);
    return s;
}

Said say_number(double x, int decimals)
{
    return said(x, "", decimals, "");
}

Said say_given(double x)
{
    Said s = say_number(x, 0);
    if (isfinite(x))
        snprintf(s.text, sizeof s.text, "%s%.6g", x < 0 ? MINUS : "", fabs(x));
    return s;
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

/* --- names ---------------------------------------------------------------------------------------------- */

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

void html_policy(Str *out, const Report *r, const ReportStage *eval, const char *option)
{
    const char *checkpoint;
    const ReportStage *choice = report_choice_of(r, eval, &checkpoint);
    if (choice && strcmp(option, "policy") == 0) {
        html_text(out, checkpoint);
        return;
    }
    eval = choice ? choice : eval;
    const ReportStage *maker = report_maker(r, eval, option);
    const char *value = report_value(eval, option);
    if (maker)
        html_stage(out, maker);
    else if (value)
        html_text(out, path_base(value));
    else if (choice)
        str_add(out, "the start");
    else
        str_add(out, strcmp(option, "policy") == 0 ? "A" : "B");
}

void html_judge(Str *out, const Report *r, const Outcome *x)
{
    const ReportStage *choice = report_choice_of(r, x->eval, NULL), *eval = choice ? choice : x->eval;
    const ReportStage *maker = report_maker(r, eval, "reward");
    const char *value = report_value(eval, "reward");
    str_add(out, x->sort == BY_REWARD ? "the <b>" : "<b>");
    html_text(out, json_text_of(x->result, "prompt"));
    str_add(out, "</b>");
    if (x->sort != BY_REWARD || !value)
        return;
    str_addc(out, ' ');
    if (maker)
        html_stage(out, maker);
    else
        html_text(out, path_base(value));
}

/* --- text ----------------------------------------------------------------------------------------------- */

void html_heading(Str *out, const char *text, const ReportStage *s)
{
    str_addf(out, "<h3>%s", text);
    if (s)
        html_stage(out, s);
    str_add(out, "</h3>\n");
}

void html_fold(Str *out, const char *line)
{
    str_addf(out, "<details><summary>%s</summary>\n", line);
}

void html_fold_end(Str *out)
{
    str_add(out, "</details>\n");
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

void html_entry(Str *out, const char *title)
{
    str_addf(out, "<li><b>%s</b> ", title);
}

void html_entry_end(Str *out)
{
    str_add(out, "</li>\n");
}

enum { LONGEST = 2000, A_FEW_LINES = 400 }; /* bytes: of a text on the page; of a prompt that is no heading */

void html_cut(Str *out, const char *text)
{
    if (html_text_cut(out, text ? text : "", LONGEST) > 0)
        str_add(out, " [cut for this page]");
}

void html_row_prompt(Str *out, const json_t *row)
{
    RowView v;
    Err ignored = {0};
    char *lines = NULL;
    if (row_view(row, NEED_PROMPT, &v, &ignored)) {
        lines = context_lines(&v.context);
        row_view_release(&v);
    }
    str_add(out, lines && strlen(lines) > A_FEW_LINES ? "<p class=\"long\">" : "<p>");
    html_cut(out, lines);
    str_add(out, "</p>");
    free(lines);
}

void html_reply(Str *out, const char *text, const json_t *ended)
{
    if (text && text[0])
        html_cut(out, text);
    else
        str_addf(out, "<span class=\"note\">(%s)</span>", text ? "an empty reply" : "not kept: it is no whole text");
    if (json_is_false(ended))
        str_add(out, "<span class=\"note\"> \xe2\x80\xa6 cut off at the limit</span>");
}
