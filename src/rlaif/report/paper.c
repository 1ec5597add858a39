/* The figures that a recipe names before the run: beside the paper's, as it pairs them, or alone. */
#include "rlaif/recipe/paper.h"
#include "rlaif/report/page/words.h"
#include "rlaif/report/sections.h"

static const ReportStage *made_by(const Report *r, const PaperTerm *t)
{
    const ReportStage *s = report_next(r, t->stage->kind, NULL);
    while (s && strcmp(s->row.name, t->stage->name) != 0)
        s = report_next(r, t->stage->kind, s);
    return s;
}

static PaperValue value_of(const Report *r, const PaperFigure *f)
{
    const json_t *summary[MOST_TERMS];
    for (int i = 0; i < f->n; i++) {
        const ReportStage *s = made_by(r, &f->term[i]);
        summary[i] = s ? s->summary : NULL;
    }
    return paper_value(f, summary);
}

/* "5.0 to 6.0 %", or nothing. */
static void add_interval(Str *out, PaperValue v)
{
    static const char *const unit[] = {"&nbsp;%", "&nbsp;points", ""};
    double times = v.unit == PAPER_NUMBER ? 1 : 100;
    int decimals = v.unit == PAPER_NUMBER ? 3 : 1;
    if (isfinite(v.low))
        str_addf(out, "%s to %s%s", say_number(times * v.low, decimals).text, say_number(times * v.high, decimals).text,
                 unit[v.unit]);
}

static void add_number(Str *out, PaperValue v)
{
    Said said = v.unit == PAPER_SHARE    ? say_percent(v.value)
                : v.unit == PAPER_POINTS ? say_signed(100 * v.value, 1)
                                         : say_number(v.value, 3);
    str_add(out, said.text);
    str_add(out, v.unit == PAPER_POINTS && isfinite(v.value) ? "&nbsp;points" : "");
}

static void figure_row(Str *out, const Report *r, const PaperFigure *f, bool paired)
{
    PaperValue v = value_of(r, f);
    str_add(out, "<tr><th>");
    html_text(out, f->what);
    str_add(out, paired ? "</th><td>" : "</th>");
    html_text(out, f->figure);
    str_add(out, paired ? "</td><td>" : "<td>");
    add_number(out, v);
    str_add(out, "</td><td>");
    add_interval(out, v);
    str_addf(out, "</td><td>%s</td><td class=\"left\">", say_number(v.n, 0).text);
    for (int i = 0; i < f->n; i++) {
        const ReportStage *s = made_by(r, &f->term[i]);
        str_add(out, i ? ", " : "");
        if (s)
            html_stage(out, s);
        else
            html_text(out, f->term[i].stage->name);
    }
    str_add(out, "</td></tr>\n");
}

/* What the experiment is about, in a sentence of its own before all other figures. */
static bool primary(Str *out, const Report *r, Err *err)
{
    PaperFigure f;
    if (!paper_has_primary(&r->recipe))
        return true;
    if (!paper_primary(&r->recipe, &f, err))
        return false;
    PaperValue v = value_of(r, &f);
    str_add(out, "<p><b>The primary figure, named before the run.</b> ");
    html_text(out, f.what);
    str_add(out, ": <b>");
    add_number(out, v);
    str_add(out, "</b>");
    if (isfinite(v.low)) {
        str_add(out, " (95&nbsp;% interval ");
        add_interval(out, v);
        str_addf(out, ", n %s)", say_number(v.n, 0).text);
    }
    if (*f.figure) {
        str_add(out, "; the paper: ");
        html_text(out, f.figure);
    }
    str_add(out, ". What decides: ");
    html_text(out, f.test);
    str_add(out, "</p>\n");
    return true;
}

/* *paired: the paper has any of the figures. */
static bool check(const Report *r, bool *paired, Err *err)
{
    PaperFigure f;
    *paired = false;
    if (!paper_check(&r->recipe, err))
        return false;
    if (paper_has_primary(&r->recipe)) {
        if (!paper_primary(&r->recipe, &f, err))
            return false;
        *paired = *f.figure;
    }
    for (int i = 0; i < paper_count(&r->recipe); i++) {
        if (!paper_figure(&r->recipe, i, &f, err))
            return false;
        *paired = *paired || *f.figure;
    }
    return true;
}

/* All figures, where the paper has any of them as `paired` says. */
static bool figures(Str *out, const Report *r, bool paired, Err *err)
{
    bool has;
    if (!r->has_recipe || !r->recipe.paper)
        return true;
    if (!check(r, &has, err))
        return false;
    if (has != paired)
        return true;
    if (!primary(out, r, err))
        return false;
    str_add(out, "<p><b>What differs from the paper.</b> ");
    html_text(out, paper_differs(&r->recipe));
    str_addf(out,
             "</p>\n<div class=\"wide\"><table>\n<thead><tr><td></td>%s<th>here</th><th>95&nbsp;%% interval"
             "</th><th>n</th><th class=\"left\">stage</th></tr></thead>\n<tbody>\n",
             paired ? "<th>the paper</th>" : "");
    for (int i = 0; i < paper_count(&r->recipe); i++) {
        PaperFigure f;
        if (!paper_figure(&r->recipe, i, &f, err))
            return false;
        figure_row(out, r, &f, paired);
    }
    str_add(out, "</tbody></table></div>\n");
    return true;
}

bool report_paper(Str *out, const Report *r, Err *err)
{
    return figures(out, r, true, err);
}

bool report_named(Str *out, const Report *r, Err *err)
{
    return figures(out, r, false, err);
}
