/* The dashboard: a run's stages, what can be looked at, who has rated how much. Blind, it has the rating alone. */
#include "base/html.h"
#include "base/mem.h"
#include "serve/pages.h"
#include "serve/site.h"

enum { MOST_FIGURES = 6 };

/* The first numbers of a stage's summary. */
static void add_figures(Str *out, const char *summary)
{
    json_t *object = NULL, *value;
    Err unused = {0};
    const char *name;
    int n = 0;
    if (!summary || !json_parse(summary, strlen(summary), "a summary", &object, &unused))
        return;
    json_object_foreach(object, name, value)
    {
        if (!json_is_number(value) || n++ >= MOST_FIGURES)
            continue;
        str_add(out, "<span>");
        html_text(out, name);
        str_addf(out, json_is_integer(value) ? " %.0f</span>" : " %.4g</span>", json_number_value(value));
    }
    json_decref(object);
}

static void add_time(Str *out, double seconds)
{
    if (seconds < 100)
        str_addf(out, "%.1f s", seconds);
    else if (seconds < 6000)
        str_addf(out, "%.0f min", seconds / 60);
    else
        str_addf(out, "%.1f h", seconds / 3600);
}

/* How far an unfinished stage has come: rows, or the last step that has samples. */
static void add_so_far(Str *out, int items, int step)
{
    if (items > 0)
        str_addf(out, "<span>%d %s so far</span>", items, items == 1 ? "row" : "rows");
    else if (step >= 0)
        str_addf(out, "<span>step %d</span>", step);
}

static void add_stage(Str *out, const StageRow *s, int items, int step)
{
    bool has_samples = items > 0 || step >= 0;
    str_add(out, "<tr><td>");
    if (has_samples) {
        str_add(out, "<a href=\"/samples?stage=");
        link_argument(out, s->name);
        str_add(out, "\">");
    }
    html_text(out, s->name);
    str_add(out, has_samples ? "</a></td><td class=\"soft\">" : "</td><td class=\"soft\">");
    html_text(out, strcmp(s->name, s->kind) == 0 ? "" : s->kind);
    str_addf(out, "</td><td class=\"state\">%s</td><td class=\"number\">",
             s->done ? "done" : "<span class=\"open\">not done</span>");
    add_time(out, s->seconds);
    str_add(out, "</td><td class=\"figures\">");
    if (s->done)
        add_figures(out, s->summary);
    else
        add_so_far(out, items, step);
    str_add(out, "</td></tr>\n");
}

static bool add_stages(Str *out, Store *store, Err *err)
{
    bool ok = true, present = true;
    str_add(
        out,
        "<h2>Stages</h2>\n<table>\n<tr><th>stage</th><th></th><th></th><th class=\"number\">time</th><th></th></tr>\n");
    for (int i = 0; ok && present; i++) {
        StageRow s;
        int items = 0, step = -1;
        ok = store_stage_at(store, i, &s, &present, err);
        if (ok && present) {
            ok = store_items_count(store, s.id, &items, err) && store_rollouts_last(store, s.id, &step, err);
            add_stage(out, &s, items, step);
        }
        stage_row_release(&s);
    }
    str_add(out, "</table>\n<p class=\"soft\">A stage with a link has rows to look at.</p>\n");
    return ok;
}

/* --- rating --------------------------------------------------------------------------------------------- */

static bool count_rater(void *context, const char *row, Err *err)
{
    json_t *raters = context, *j;
    if (!json_parse(row, strlen(row), "a stored rating", &j, err))
        return false;
    const char *name = json_text_of(j, "rater");
    json_int_t n = json_integer_value(json_object_get(raters, name));
    json_object_set_new(raters, name, json_integer(n + 1));
    json_decref(j);
    return true;
}

static bool add_rating(Str *out, Work *work, const Site *s, RatingKind kind, Err *err)
{
    RatingItems items;
    Err why = {0};
    json_t *raters = json_object(), *count;
    const char *name, *title = kind == RATING_RANK ? "Rank responses" : "Mark responses as harmless";
    bool ok = store_ratings_each(work->store, rating_kind(kind), NULL, count_rater, raters, err);
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
    (void)request;
    plain_policy(out->policy);
    plain_page_begin(&out->body, s->title, false);
    str_add(&out->body, "<div class=\"actions\">\n");
    bool ok =
        add_rating(&out->body, work, s, RATING_RANK, err) && add_rating(&out->body, work, s, RATING_HARMLESS, err);
    if (!s->options->blind)
        str_add(&out->body,
                "<a class=\"action\" href=\"/report\"><b>Report</b><span class=\"soft\">numbers, curves, samples, "
                "provenance</span></a>\n");
    str_add(&out->body, "</div>\n");
    ok = ok && (s->options->blind || add_stages(&out->body, work->store, err));
    plain_page_end(&out->body);
    return ok;
}
