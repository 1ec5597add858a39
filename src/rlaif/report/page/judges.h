/* Whose taste: what was optimised, who judged, and whether another agrees. Each is entries of the list "What it means", none
 * where the run has nothing of it. */
#ifndef RLAIF_REPORT_PAGE_JUDGES_H
#define RLAIF_REPORT_PAGE_JUDGES_H

#include "rlaif/report/page/words.h"

void say_optimised(Str *out, const Report *r);
/* What the reward model of an evaluation learned from, and whether it is what was optimised. */
void say_reward_model(Str *out, const Report *r);
/* Which questions were asked of one network, and whether it is the policy's own; how many comparisons there are. */
void say_networks(Str *out, const Report *r);
void say_comparisons(Str *out, const Report *r);
/* Whether those agree that the policy was not trained to please; and evaluations by nobody but those that it was. */
void say_agreement(Str *out, const Report *r);
void say_alone(Str *out, const Report *r);

#endif
