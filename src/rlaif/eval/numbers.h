/* Numbers of evaluations: as JSON, and as figures that people read. */
#ifndef RLAIF_EVAL_NUMBERS_H
#define RLAIF_EVAL_NUMBERS_H

#include "base/json.h"
#include "rlaif/stage/stats.h"

/* JSON null where a number is not finite. */
json_t *eval_interval(Interval i);
void eval_set(json_t *object, const char *key, double x);

/* How often an evaluation compared two policies, by its summary: judge prompts of a win rate, two policies of others, each
 * probe of two policies. */
int eval_comparisons(const json_t *summary);
/* Sets that as "comparisons". */
void eval_set_comparisons(json_t *summary);
/* What a stage is about, without the seed: what a model says of given texts does not depend on it. Returns `about`. */
json_t *eval_about(json_t *about);

/* "12.3 %", "0.123" or "-" in a caller's buffer. */
typedef struct Figure {
    char text[60];
} Figure;
/* "12.3 to 45.6" of an interval `times` as large; with more than `least` decimals where it needs them: until its ends differ, and
 * neither looks like 0 where 0 is not in it. */
Figure eval_range(const json_t *interval, double times, int least);
int interval_decimals(const json_t *interval, double times, int least);

Figure eval_percent(const json_t *object, const char *key);
Figure eval_points(const json_t *object, const char *key); /* of a difference of shares */
Figure eval_decimal(const json_t *object, const char *key);
/* A probability of a test: "0.034", "< 0.0001". */
Figure eval_p(const json_t *object, const char *key);

#endif
