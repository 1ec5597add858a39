/* Charts of the page. Every chart is a drawing in SVG, which needs no script and prints; curves have their numbers beside
 * it, and dygraphs shows these on a screen in its place. */
#include "rlaif/report/page/chart.h"

#include "base/mem.h"

/* Colours that people with any sight tell apart, on white; with dashes, so that print without colour does too. */
static const struct {
    const char *colour, *dash;
} look[] = {
    {"#1f5fa8", ""},        {"#c2571a", "7,3"}, {"#2e7d4f", "2,3"},
    {"#8a3f9c", "9,3,2,3"}, {"#7a6a00", "4,2"}, {"#5f5f5f", ""},
};

static const char *colour(int i)
{
    return look[i % COUNT(look)].colour;
}

/* --- axes ----------------------------------------------------------------------------------------------- */

typedef struct Axis {
    double low, high, tick; /* values; distance of ticks */
    double from, to;        /* where low and high lie on the page */
    int decimals;
} Axis;

/* 1, 2 or 5 times a power of ten, so that a range has about so many ticks. */
static double nice_tick(double range, int about, int *decimals)
{
    double rough = range / about, unit = 1;
    *decimals = 0;
    while (unit > rough) {
        unit /= 10;
        ++*decimals;
    }
    while (unit * 10 <= rough) {
        unit *= 10;
        *decimals -= *decimals > 0;
    }
    double tick = rough < 2 * unit ? 2 * unit : rough < 5 * unit ? 5 * unit : 10 * unit;
    *decimals -= *decimals > 0 && tick == 10 * unit;
    return tick;
}

static Axis axis(double low, double high, double from, double to, int about)
{
    if (!(high > low)) {
        double room = low == 0 ? 1 : fabs(low) / 10;
        low -= room;
        high += room;
    }
    Axis a = {.low = low, .high = high, .from = from, .to = to};
    a.tick = nice_tick(high - low, about, &a.decimals);
    return a;
}

static double at(const Axis *a, double x)
{
    return a->from + (x - a->low) / (a->high - a->low) * (a->to - a->from);
}

enum { WIDTH = 360, HEIGHT = 190, LEFT = 46, RIGHT = 8, TOP = 8, BOTTOM = 22 };

static void draw_axes(Str *out, const Axis *x, const Axis *y)
{
    for (double v = ceil(y->low / y->tick) * y->tick; v <= y->high + y->tick * 1e-9; v += y->tick)
        str_addf(out,
                 "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ececec\"/><text x=\"%d\" y=\"%.1f\" "
                 "text-anchor=\"end\">%s</text>",
                 LEFT, WIDTH - RIGHT, at(y, v), at(y, v), LEFT - 5, at(y, v) + 4, say_number(v, y->decimals).text);
    for (double v = ceil(x->low / x->tick) * x->tick; v <= x->high + x->tick * 1e-9; v += x->tick)
        str_addf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>", at(x, v), HEIGHT - 6,
                 say_number(v, x->decimals).text);
    str_addf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"#8c8c8c\"/>", LEFT, WIDTH - RIGHT,
             HEIGHT - BOTTOM, HEIGHT - BOTTOM);
}

/* --- curves --------------------------------------------------------------------------------------------- */

enum { CHART_LINES = 8 };
enum { MOST_POINTS = 1000 }; /* of a curve; of a longer one the means of neighbours are shown */

typedef struct Curve {
    int colour;
    const char *name;
    double *x, *y;
    int n;
} Curve;

static Curve curve_of(const ReportStage *stage, const Series *s, int index)
{
    int each = (s->n + MOST_POINTS - 1) / MOST_POINTS;
    Curve c = {index, stage->row.name, mem_zalloc((size_t)s->n + 1, sizeof(double)),
               mem_zalloc((size_t)s->n + 1, sizeof(double)), 0};
    for (int i = 0; i < s->n; i += each) {
        int n = s->n - i < each ? s->n - i : each;
        for (int k = 0; k < n; k++)
            c.y[c.n] += s->value[i + k] / n;
        c.x[c.n] = s->step[i];
        c.n += isfinite(c.y[c.n]);
    }
    return c;
}

static void curve_release(Curve *c)
{
    free(c->x);
    free(c->y);
}

static void draw_curves(Str *out, const Curve *c, int n, const char *title)
{
    double low[2] = {(double)INFINITY, (double)INFINITY}, high[2] = {-(double)INFINITY, -(double)INFINITY};
    for (int i = 0; i < n; i++)
        for (int k = 0; k < c[i].n; k++) {
            low[0] = fmin(low[0], c[i].x[k]), high[0] = fmax(high[0], c[i].x[k]);
            low[1] = fmin(low[1], c[i].y[k]), high[1] = fmax(high[1], c[i].y[k]);
        }
    double room = (high[1] - low[1]) * 0.06;
    Axis x = axis(low[0], high[0], LEFT, WIDTH - RIGHT, 6);
    Axis y = axis(low[1] - room, high[1] + room, HEIGHT - BOTTOM, TOP, 5);
    str_addf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">", WIDTH, HEIGHT, title);
    draw_axes(out, &x, &y);
    for (int i = 0; i < n; i++) {
        str_addf(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" stroke-dasharray=\"%s\" points=\"",
                 colour(c[i].colour), look[c[i].colour % COUNT(look)].dash);
        for (int k = 0; k < c[i].n; k++)
            str_addf(out, "%s%.1f,%.1f", k ? " " : "", at(&x, c[i].x[k]), at(&y, c[i].y[k]));
        str_add(out, "\"/>");
        if (c[i].n == 1)
            str_addf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\"/>", at(&x, c[i].x[0]),
                     at(&y, c[i].y[0]), colour(c[i].colour));
    }
    str_add(out, "</svg>");
}

/* Rows [step, one value for each curve or null], in order of step. */
static json_t *merged_rows(const Curve *c, int n)
{
    json_t *rows = json_array();
    int *next = mem_zalloc((size_t)n, sizeof *next);
    for (;;) {
        double step = (double)INFINITY;
        for (int i = 0; i < n; i++)
            if (next[i] < c[i].n && c[i].x[next[i]] < step)
                step = c[i].x[next[i]];
        if (!isfinite(step))
            break;
        json_t *row = json_pack("[I]", (json_int_t)step);
        for (int i = 0; i < n; i++) {
            bool here = next[i] < c[i].n && c[i].x[next[i]] == step;
            json_array_append_new(row, here ? json_of_float((float)c[i].y[next[i]]) : json_null());
            next[i] += here;
        }
        json_array_append_new(rows, row);
    }
    free(next);
    return rows;
}

static void add_curve_data(Str *out, const Curve *c, int n)
{
    json_t *data = json_object(), *labels = json_array(), *colours = json_array(), *dashes = json_array();
    for (int i = 0; i < n; i++) {
        json_array_append_new(labels, json_string(c[i].name));
        json_array_append_new(colours, json_string(colour(c[i].colour)));
        json_array_append_new(dashes, json_string(look[c[i].colour % COUNT(look)].dash));
    }
    json_object_set_new(data, "labels", labels);
    json_object_set_new(data, "colors", colours);
    json_object_set_new(data, "dashes", dashes);
    json_object_set_new(data, "rows", merged_rows(c, n));
    str_add(out, "<script type=\"application/json\">");
    html_json(out, data);
    str_add(out, "</script>");
    json_decref(data);
}

void chart_metric(Str *out, const ReportStage *const *stage, int n, const char *metric, const char *title, bool live)
{
    Curve curve[CHART_LINES];
    int curves = 0;
    for (int i = 0; i < n && curves < CHART_LINES; i++) {
        const Series *s = report_series(stage[i], metric);
        if (s)
            curve[curves++] = curve_of(stage[i], s, i);
    }
    if (curves > 0) {
        str_addf(out, "<figure class=\"curve\"><figcaption>%s</figcaption>", title);
        if (live)
            str_addf(out, "<div class=\"live\" role=\"img\" aria-label=\"%s\"></div>", title);
        draw_curves(out, curve, curves, title);
        if (live) {
            str_add(out, "<div class=\"now\"></div>");
            add_curve_data(out, curve, curves);
        }
        str_add(out, "</figure>\n");
    }
    for (int i = 0; i < curves; i++)
        curve_release(&curve[i]);
}

void chart_legend(Str *out, const ReportStage *const *stage, int n)
{
    str_add(out, "<div class=\"legend\">");
    for (int i = 0; i < n; i++) {
        str_addf(out,
                 "<span><svg width=\"28\" height=\"8\" viewBox=\"0 0 28 8\"><line x1=\"0\" x2=\"28\" y1=\"4\" y2=\"4\" "
                 "stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"%s\"/></svg>",
                 colour(i), look[i % COUNT(look)].dash);
        html_stage(out, stage[i]);
        str_add(out, "</span>");
    }
    str_add(out, "</div>\n");
}

/* --- bars and intervals --------------------------------------------------------------------------------- */

void chart_histogram(Str *out, const int *bin, int bins, const ReportStage *stage)
{
    int most = 1;
    for (int i = 0; i < bins; i++)
        most = bin[i] > most ? bin[i] : most;
    Axis x = axis(0, 1, LEFT, WIDTH - RIGHT, 5), y = axis(0, most, HEIGHT - BOTTOM, TOP, 4);
    if (y.tick < 1)
        y.tick = 1, y.decimals = 0;
    str_add(out, "<figure><figcaption>");
    html_stage(out, stage);
    str_addf(out, "</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"histogram of labels\">", WIDTH,
             HEIGHT);
    draw_axes(out, &x, &y);
    for (int i = 0; i < bins; i++)
        if (bin[i] > 0)
            str_addf(out,
                     "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"><title>%.2f to %.2f: "
                     "%d</title></rect>",
                     at(&x, (double)i / bins) + 0.5, at(&y, bin[i]), (x.to - x.from) / bins - 1,
                     y.from - at(&y, bin[i]), colour(0), (double)i / bins, (double)(i + 1) / bins, bin[i]);
    str_add(out, "</svg></figure>\n");
}

void chart_whisker(Str *out, double value, const json_t *interval, double low, double high, double zero)
{
    Axis x = {.low = low, .high = high, .from = 6, .to = 174};
    str_addf(out,
             "<svg width=\"180\" height=\"18\" viewBox=\"0 0 180 18\" aria-hidden=\"true\"><line "
             "x1=\"%.1f\" x2=\"%.1f\" y1=\"0\" y2=\"18\" stroke=\"#b0b0b0\"/>",
             at(&x, zero), at(&x, zero));
    if (json_array_size(interval) == 2)
        str_addf(out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"9\" y2=\"9\" stroke=\"%s\" stroke-width=\"2\"/>",
                 at(&x, json_number_value(json_array_get(interval, 0))),
                 at(&x, json_number_value(json_array_get(interval, 1))), colour(0));
    str_addf(out, "<circle cx=\"%.1f\" cy=\"9\" r=\"3.5\" fill=\"%s\"/></svg>", at(&x, value), colour(0));
}
