/* What labels cost: by a judge that is paid by tokens, and by people who are paid by words (paper.md 10). */
#ifndef RLAIF_JUDGE_COST_H
#define RLAIF_JUDGE_COST_H

#include "base/options.h"
#include "rlaif/rows/rows.h"

/* Dollars. The defaults are the paper's. */
typedef struct Prices {
    double input, output; /* for 1,000 tokens that a judge reads, writes */
    double people;        /* for 50 words of a task */
} Prices;
enum { PRICE_OPTIONS = 3, JUDGE_PRICES = 2 }; /* the judge's come first */
extern const Option price_option_rows[PRICE_OPTIONS];

/* tokens * price / 1000; words * price / 50. */
double cost_judge(const Prices *p, double input, double output);
double cost_people(const Prices *p, double words);

/* Of labelled rows, viewed as pairs: {pairs, input, output, judge, judge_per_pair, words, people, people_per_pair, ratio}.
 * The tokens are those that the labels count (of a judge in this process too: what they would cost at these prices), the
 * words those of context and responses; ratio is people's cost over the judge's. Null where no label counts tokens. */
json_t *cost_json(const Prices *p, const Rows *rows);

#endif
