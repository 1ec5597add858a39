/* Numbers of evaluations. */
#include "rlaif/eval/numbers.h"

static json_t *eval_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *eval_interval(Interval i)
{
    if (!isfinite(i.low) || !isfinite(i.high))
        return json_null();
    return json_pack("[f, f]", i.low, i.high);
}

void eval_set(json_t *object, const char *key, double x)
{
    json_object_set_new(object, key, eval_number(x));
}

int eval_comparisons(const json_t *summary)
{
    const json_t *said = json_object_get(summary, "comparisons");
    if (said)
        return (int)json_integer_value(said);
    static const char *const lists[] = {"results", "against", "pairs", "over"};
    size_t n = 0;
    for (int i = 0; i < COUNT(lists); i++)
        n += json_array_size(json_object_get(summary, lists[i])); /* `pairs` may be a number */
    return (int)n;
}

void eval_set_comparisons(json_t *summary)
{
    json_object_set_new(summary, "comparisons", json_integer(eval_comparisons(summary)));
}

json_t *eval_about(json_t *about)
{
    json_object_del(about, "seed");
    json_object_del(json_object_get(about, "options"), "seed");
    return about;
}

/* --- figures --------------------------------------------------------------------------------------------- */

static Figure figure(const json_t *object, const char *key, const char *fmt, double times)
{
    Figure f = {"-"};
    const json_t *x = json_object_get(object, key);
    if (json_is_number(x))
        snprintf(f.text, sizeof f.text, "%.*f%s", fmt[0] - '0', times * json_number_value(x), fmt + 1);
    return f;
}

Figure eval_percent(const json_t *object, const char *key)
{
    return figure(object, key, "1 %", 100);
}

Figure eval_points(const json_t *object, const char *key)
{
    return figure(object, key, "1", 100);
}

Figure eval_decimal(const json_t *object, const char *key)
{
    return figure(object, key, "3", 1);
}

Figure eval_p(const json_t *object, const char *key)
{
    Figure f = {"< 0.0001"};
    const json_t *x = json_object_get(object, key);
    return json_is_number(x) && json_number_value(x) < 1e-4 ? f : figure(object, key, "4", 1);
}

int interval_decimals(const json_t *interval, double times, int least)
{
    enum { MOST = 12 };
    double low = times * json_number_value(json_array_get(interval, 0)),
           high = times * json_number_value(json_array_get(interval, 1)), unit = 1;
    int decimals = 0;
    for (; decimals < least; decimals++)
        unit /= 10;
    for (; decimals < MOST; decimals++, unit /= 10) {
        bool apart = fabs(floor(high / unit + 0.5) - floor(low / unit + 0.5)) >= 1;
        bool signs = low * high <= 0 || fmin(fabs(low), fabs(high)) >= unit / 2;
        if (low == high || (apart && signs))
            break;
    }
    return decimals;
}

Figure eval_range(const json_t *interval, double times, int least)
{
    Figure f = {"-"};
    int decimals = interval_decimals(interval, times, least);
    if (json_array_size(interval) == 2)
        snprintf(f.text, sizeof f.text, "%.*f to %.*f", decimals,
                 times * json_number_value(json_array_get(interval, 0)), decimals,
                 times * json_number_value(json_array_get(interval, 1)));
    return f;
}
