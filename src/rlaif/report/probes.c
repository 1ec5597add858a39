/* Probes: what no win rate shows, policy beside policy. */
#include "rlaif/rows/probes.h"
#include "rlaif/report/page/tables.h"
#include "rlaif/report/sections.h"

enum { COUNTS = 2, LINES = COUNTS + PROBES };

typedef struct ProbeLines {
    Measure m[LINES];
    char interval[PROBES][60]; /* their keys: "cut_off_interval" beside "cut_off" */
} ProbeLines;

static const char *interval_key(Probe k, char out[60])
{
    snprintf(out, 60, "%s_interval", probe_name(k));
    return out;
}

static void make_lines(ProbeLines *l)
{
    l->m[0] = (Measure){"replies", "responses", AS_COUNT, NULL};
    l->m[1] = (Measure){"prompts", "prompts", AS_COUNT, NULL};
    for (int k = 0; k < PROBES; k++)
        l->m[COUNTS + k] = (Measure){probe_title((Probe)k), probe_name((Probe)k),
                                     probe_is_share((Probe)k) ? AS_PERCENT
                                     : k == PROBE_CHARACTERS  ? AS_TENTHS
                                                              : AS_NUMBER,
                                     interval_key((Probe)k, l->interval[k])};
}

/* A policy's probes as a column: the means by their names, with their intervals. */
static json_t *column_of(const json_t *probes)
{
    json_t *out = json_object();
    char key[60];
    json_object_set(out, "policy", json_object_get(probes, "policy"));
    json_object_set(out, "responses", json_object_get(probes, "responses"));
    json_object_set(out, "prompts", json_object_get(probes, "prompts"));
    for (int k = 0; k < PROBES; k++) {
        const json_t *one = json_object_get(probes, probe_name((Probe)k));
        json_object_set(out, probe_name((Probe)k), json_object_get(one, "mean"));
        json_object_set(out, interval_key((Probe)k, key), json_object_get(one, "interval"));
    }
    return out;
}

static void add_stage(Str *out, const Report *r, const ReportStage *s)
{
    ProbeLines lines;
    json_t *columns = json_array(), *one;
    size_t i;
    make_lines(&lines);
    json_array_foreach(json_object_get(s->summary, "policies"), i, one) json_array_append_new(columns, column_of(one));
    html_heading(out, "", s);
    html_objects(out, r, columns, head_policy, lines.m, LINES);
    json_decref(columns);
}

/* --- of policies that were compared --- */

/* One of each policy, by how the page calls it: the first comparison's. */
static void add_compared(Str *out, const Report *r)
{
    ProbeLines lines;
    json_t *columns = json_object();
    make_lines(&lines);
    for (const ReportStage *s = report_next(r, "eval winrate", NULL); s; s = report_next(r, "eval winrate", s))
        for (int side = 1; side >= 0; side--) {
            const json_t *probes = json_object_get(s->summary, side ? "probes_b" : "probes_a");
            Str name = {0};
            html_policy(&name, r, s, side ? "against" : "policy");
            if (json_is_object(probes) && !json_object_get(columns, str_text(&name)))
                json_object_set_new(columns, str_text(&name), column_of(probes));
            str_release(&name);
        }
    const char *key;
    json_t *one;
    Columns c = {0};
    json_object_foreach(columns, key, one) str_add(columns_add(&c, one), key);
    if (c.n > 0) {
        html_heading(out, "Of the replies that were compared", NULL);
        html_columns(out, &c, lines.m, LINES);
    }
    json_decref(columns);
}

bool report_probes(Str *out, const Report *r, Err *err)
{
    const ReportStage *stage[MOST_STAGES];
    int n = report_collect(r, "eval probes", stage, MOST_STAGES);
    Str body = {0};
    (void)err;
    for (int i = 0; i < n; i++)
        add_stage(&body, r, stage[i]);
    add_compared(&body, r);
    if (body.n > 0) {
        html_p(
            out,
            "<span class=\"note\">What a win rate does not show, counted without a model: each a mean over a policy\xe2\x80\x99s "
            "replies, with its 95&nbsp;%% interval by bootstrap over prompts.</span>");
        str_add(out, str_text(&body));
    }
    str_release(&body);
    return true;
}
