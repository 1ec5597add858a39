/* Tables of evaluations. */
#include "rlaif/eval/table.h"

#include <stdarg.h>

void eval_print(const char *what, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("%-35s ", what);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

void eval_print_interval(const char *what, const char *value, const json_t *interval, double times, int least,
                         const char *after)
{
    if (json_array_size(interval) == 2)
        eval_print(what, "%-10s95 %%: %s%s", value, eval_range(interval, times, least).text, after);
    else
        eval_print(what, "%s", value);
}

void eval_print_share(const char *what, const json_t *object, const char *share, const char *interval)
{
    eval_print_interval(what, eval_percent(object, share).text, interval ? json_object_get(object, interval) : NULL,
                        100, 1, "");
}

void eval_print_two_samples(const json_t *object, const char *key)
{
    eval_print("  two-sample t, as the paper",
               "p %s; it takes rankings of one item for independent: on a win rate its size is about 17 %%, not 5 %%",
               eval_p(object, key).text);
}

void eval_print_comparisons(const json_t *summary)
{
    int n = eval_comparisons(summary);
    if (n > 1)
        eval_print("comparisons",
                   "%d: of so many intervals at 95 %% %.2f miss by chance; at %.2f %% each all hold at 95 %%", n,
                   0.05 * n, 100 - 5.0 / n);
}
