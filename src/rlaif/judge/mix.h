/* A mix: a weighted sum of standardised numbers of one response, each said by a judge of its own or a
 * reward model, or its log length. */
#ifndef RLAIF_JUDGE_MIX_H
#define RLAIF_JUDGE_MIX_H

#include "rlaif/judge/layout.h"

/* ln of a response's characters; 0 of an empty one. */
double log_length(const char *response);

/* Loads the reward models of its parts, which read rows by `chat`; device NULL: without weights, to plan. */
bool mix_open_rewards(Judge *j, Device *device, int date, ChatMode chat, Err *err) MUST_CHECK;

/* Each part asked about all responses; of a verdict the parts, and as its number the margin: the sum of weight
 * (number - centre) / scale over them. */
bool mix_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err) MUST_CHECK;
/* Sums over the parts. */
bool mix_plan(Judge *j, const Question *q, int n, JudgePlan *plan, Err *err) MUST_CHECK;
ScorerCost mix_cost(const Judge *j);
/* The prompts of all parts, each behind its part's name. */
bool mix_show(Judge *j, const Question *q, Str *out, Err *err) MUST_CHECK;
/* {"margin", "parts": [{"part", "number", "weight", "prompt_hash" or "reward_hash", as rows keep what was said of it}]} */
json_t *mix_json(const Judge *j, const Verdict *v);

#endif
