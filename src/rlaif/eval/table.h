/* Tables of evaluations on standard output. */
#ifndef RLAIF_EVAL_TABLE_H
#define RLAIF_EVAL_TABLE_H

#include "rlaif/eval/numbers.h"

/* Lines of a table on standard output. A null prints as "-". eval_print_share takes the summary's own keys:
 * "accuracy            62.3 %   95 %: 59.1 to 65.4". `interval` may be NULL. */
void eval_print(const char *what, const char *fmt, ...) PRINTF_LIKE(2, 3);
void eval_print_interval(const char *what, const char *value, const json_t *interval, double times, int least,
                         const char *after);
void eval_print_share(const char *what, const json_t *object, const char *share, const char *interval);
/* A line with the p of the paper's two-sample t-test (8), and what it is worth (docs/math.md, "The two-sample test"). */
void eval_print_two_samples(const json_t *object, const char *key);

/* What several comparisons mean for intervals (docs/math.md, "Several comparisons"); of one nothing. */
void eval_print_comparisons(const json_t *summary);

#endif
