/* A judge of one prompt asked about responses; what asking takes, and the prompt as it reads it. judge.h has these of all judges. */
#ifndef RLAIF_JUDGE_SINGLE_H
#define RLAIF_JUDGE_SINGLE_H

#include "rlaif/judge/layout.h"

bool single_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err) MUST_CHECK;
bool single_plan(Judge *j, const Question *q, int n, bool both, JudgePlan *plan, Err *err) MUST_CHECK;
/* What rows keep of a verdict: verdict_json, of a contrast {"logp", "contrast"}. */
json_t *single_json(const Judge *j, const Verdict *v);
bool single_show(Judge *j, const Question *q, Str *out, Err *err) MUST_CHECK;

#endif
