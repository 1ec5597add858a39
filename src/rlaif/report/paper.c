/* The paper's figures beside this run's, as its recipe pairs them. */
#include "rlaif/recipe/paper.h"
#include "rlaif/report/page/words.h"
#include "rlaif/report/sections.h"

static const ReportStage *made_by(const Report *r, const PaperFigure *f)
{
    const ReportStage *s = report_next(r, f->stage->kind, NULL);
    while (s && strcmp(s->row.name, f->stage->name) != 0)
        s = report_next(r, f->stage->kind, s);
    return s;
}

static void figure_row(Str *out, const Report *r, const PaperFigure *f)
{
    const ReportStage *s = made_by(r, f);
    str_add(out, "<tr><th>");
    html_text(out, f->what);
    str_add(out, "</th><td>");
    html_text(out, f->figure);
    str_add(out, "</td>");
    PaperValue v = {.value = (double)NAN, .low = (double)NAN, .high = (double)NAN, .n = (double)NAN};
    if (s)
        v = paper_value(f, s->summary);
    str_addf(out, "<td>%s</td><td>", v.share ? say_percent(v.value).text : say_number(v.value, 3).text);
    if (isfinite(v.low))
        str_addf(out, "%s to %s%s", say_number(v.share ? 100 * v.low : v.low, v.share ? 1 : 3).text,
                 say_number(v.share ? 100 * v.high : v.high, v.share ? 1 : 3).text, v.share ? "&nbsp;%" : "");
    str_addf(out, "</td><td>%s</td><td class=\"left\">", say_number(v.n, 0).text);
    if (s)
        html_stage(out, s);
    else
        html_text(out, f->stage->name);
    str_add(out, "</td></tr>\n");
}

bool report_paper(Str *out, const Report *r, Err *err)
{
    if (!r->has_recipe || !r->recipe.paper)
        return true;
    if (!paper_check(&r->recipe, err))
        return false;
    str_add(out, "<p><b>What differs.</b> ");
    html_text(out, paper_differs(&r->recipe));
    str_add(
        out,
        "</p>\n<div class=\"wide\"><table>\n<thead><tr><td></td><th>the paper</th><th>here</th><th>95&nbsp;% interval"
        "</th><th>n</th><th class=\"left\">stage</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < paper_count(&r->recipe); i++) {
        PaperFigure f;
        if (!paper_figure(&r->recipe, i, &f, err))
            return false;
        figure_row(out, r, &f);
    }
    str_add(out, "</tbody></table></div>\n");
    return true;
}
