/* The dashboard: a run's stages, what can be looked at, who has rated how much. Blind, it has the rating alone. */
#include "base/html.h"
#include "rlaif/report/page/curves.h"
#include "serve/figures.h"
#include "serve/pages.h"
#include "serve/site.h"

/* --- what the run has come to --------------------------------------------------------------------------- */

/* How far an unfinished stage has come: rows, or steps of those that its options ask for, where they say how many. */
static void add_so_far(Str *out, const ReportStage *s)
{
    double of = json_number_of(json_object_get(s->about, "options"), "steps", 0);
    int steps = 0;
    for (int i = 0; i < s->n_series; i++)
        steps = s->series[i].n > steps ? s->series[i].n : steps;
    if (s->items > 0)
        str_addf(out, "%s so far", say_count(s->items, "row", "rows").text);
    else if (steps > 0 && of > 0)
        str_addf(out, "%d of %s", steps, say_count(of, "step", "steps").text);
    else if (steps > 0)
        str_addf(out, "%s so far", say_count(steps, "step", "steps").text);
}

static void add_stage(Str *out, const ReportStage *s, int step)
{
    const StageRow *row = &s->row;
    bool has_samples = s->items > 0 || step >= 0;
    str_add(out, "<tr><th scope=\"row\">");
    if (has_samples) {
        str_add(out, "<a href=\"/samples?stage=");
        link_argument(out, row->name);
        str_add(out, "\">");
    }
    html_text(out, row->name);
    str_addf(out, "%s<div class=\"soft\">", has_samples ? "</a>" : "");
    html_text(out, kind_words(row->kind) ? kind_words(row->kind) : row->kind);
    str_addf(out, "</div></th><td class=\"state\">%s", row->done ? "done" : "<span class=\"open\">not done</span>");
    if (row->seconds > 0) {
        str_add(out, "<div class=\"soft\">");
        html_time(out, row->seconds);
        str_add(out, "</div>");
    }
    str_add(out, "</td><td class=\"figures\">");
    if (row->done)
        html_figures(out, s->summary);
    else
        add_so_far(out, s);
    str_add(out, "</td></tr>\n");
}

/* The curves of a stage that is not done, as far as they go. */
static void add_curves(Str *out, const ReportStage *s)
{
    const ReportStage *one[] = {s};
    Str curves = {0};
    curves_main(&curves, one, 1, false);
    if (curves.n > 0) {
        str_add(out, "<h2>");
        html_text(out, s->row.name);
        str_add(out, ": ");
        add_so_far(out, s);
        str_addf(out, "</h2>\n%s", str_text(&curves));
    }
    str_release(&curves);
}

/* A heading and curves for each stage at work, then all stages. */
static bool add_stages(Str *out, Store *store, Err *err)
{
    Str curves = {0}, rows = {0};
    bool ok = true, present = true;
    for (int i = 0; ok && present; i++) {
        ReportStage s = {0};
        int step = -1;
        ok = store_stage_at(store, i, &s.row, &present, err);
        if (ok && present) {
            ok = report_stage_read(&s, store, err) && store_rollouts_last(store, s.row.id, &step, err) &&
                 (s.row.done || report_series_read(&s, store, err));
            add_stage(&rows, &s, step);
            if (ok && !s.row.done)
                add_curves(&curves, &s);
        }
        report_stage_release(&s);
    }
    str_addf(
        out,
        "%s<h2>Stages</h2>\n<table class=\"stages\">\n<thead><tr><th scope=\"col\">stage</th><th scope=\"col\">state</th><th "
        "scope=\"col\">what came of it</th></tr></thead>\n<tbody>\n%s</tbody></table>\n<p class=\"soft\">A stage "
        "with a link has rows to look at.</p>\n",
        str_text(&curves), str_text(&rows));
    str_release(&curves);
    str_release(&rows);
    return ok;
}

bool now_page(Site *s, Work *work, const Request *request, Reply *out, Err *err)
{
    (void)s;
    (void)request;
    plain_policy(out->policy);
    return add_stages(&out->body, work->store, err);
}

/* --- rating --------------------------------------------------------------------------------------------- */

static bool count_rater(void *context, json_t *j, Err *err)
{
    (void)err;
    json_t *raters = context;
    const char *name = json_text_of(j, "rater");
    json_int_t n = json_integer_value(json_object_get(raters, name));
    json_object_set_new(raters, name, json_integer(n + 1));
    return true;
}

static bool add_rating(Str *out, Work *work, const Site *s, RatingKind kind, Err *err)
{
    RatingItems items;
    Err why = {0};
    json_t *raters = json_object(), *count;
    const char *name, *title = kind == RATING_RANK ? "Rank responses" : "Mark responses as harmless";
    bool ok =
        store_ratings_each(work->store, rating_kind(kind), NULL, store_json, &(StoreJson){count_rater, raters}, err);
    if (ok && rating_items_read(work, &s->options->rating, kind, s->options->common.seed, &items, &why)) {
        str_addf(out, "<a class=\"action\" href=\"/rate?kind=%s\"><b>%s</b><span class=\"soft\">%d %s",
                 rating_kind(kind), title, items.n, items.n == 1 ? "item" : "items");
        json_object_foreach(raters, name, count)
        {
            str_add(out, "<br>");
            html_text(out, name);
            str_addf(out, ": %d", (int)json_integer_value(count));
        }
        str_add(out, "</span></a>\n");
        rating_items_release(&items);
    } else if (ok) {
        str_addf(out, "<div class=\"action\"><b>%s</b><span class=\"soft\">", title);
        html_text(out, why.msg);
        str_add(out, "</span></div>\n");
    }
    json_decref(raters);
    return ok;
}

bool dashboard_page(Site *s, Work *work, const Request *request, Reply *out, Err *err)
{
    bool blind = s->options->blind;
    (void)request;
    if (blind)
        plain_policy(out->policy);
    else
        dashboard_policy(out->policy);
    plain_page_begin(&out->body, s->title, false);
    str_add(&out->body, "<div class=\"actions\">\n");
    if (!blind)
        str_add(&out->body, "<a class=\"action\" href=\"/report\"><b>Report</b><span class=\"soft\">who is better, "
                            "replies, curves, every number</span></a>\n");
    bool ok =
        add_rating(&out->body, work, s, RATING_RANK, err) && add_rating(&out->body, work, s, RATING_HARMLESS, err);
    str_add(&out->body, "</div>\n");
    if (!blind) {
        str_add(&out->body, "<p id=\"lost\" class=\"trouble-text\" role=\"status\" hidden>The server does not answer: "
                            "this is what it said last.</p>\n<div id=\"now\">\n");
        ok = ok && add_stages(&out->body, work->store, err);
        str_add(&out->body, "</div>\n");
        dashboard_script(&out->body);
    }
    plain_page_end(&out->body);
    return ok;
}
