/* A reward model asked as judges are: responses of questions, as the reward model reads rows. */
#ifndef RLAIF_JUDGE_REWARDED_H
#define RLAIF_JUDGE_REWARDED_H

#include "rlaif/judge/layout.h"
#include "rlaif/judge/reward_model.h"

/* Rewards of n responses; of `out` number, cut and tokens are set. Contexts are cut by the judge's options. */
bool rewarded_responses(RewardModel *r, const JudgeOptions *o, const Question *q, int n, Verdict *out,
                        Err *err) MUST_CHECK;
/* Adds to a plan, as judge_plan. */
bool rewarded_plan(RewardModel *r, const JudgeOptions *o, const Question *q, int n, JudgePlan *plan,
                   Err *err) MUST_CHECK;
/* Appends what it reads of one response, control tokens included. */
bool rewarded_show(RewardModel *r, const JudgeOptions *o, const Question *q, Str *out, Err *err) MUST_CHECK;

#endif
