/* Judges: someone who answers, a prompt, and the exact probabilities of its answers (paper.md 3, 7). No answer is parsed: its
 * probability is that of its tokens under the whole vocabulary. This opens the folder. Below it, upwards: prompt/ (the YAML
 * prompts), verdict.h (what answers say, and how both orders are averaged), backend.h (who answers: local.h, a model here,
 * remote.h, an endpoint), layout.h (prompts laid out and cut), checklist.h and contrast.h (kinds that add up numbers of one
 * response), rationales.h (chain of thought), single.h (one prompt asked),
 * reward_model.h (a reward model in use) and rewarded.h (it asked so), mix.h (several of them, weighed). source.h, above, is where
 * commands get their judges. Read verdict.h first, then judge.c. */
#ifndef RLAIF_JUDGE_JUDGE_H
#define RLAIF_JUDGE_JUDGE_H

#include "rlaif/judge/layout.h"

/* A judge without a backend. Loads the prompt. Fails for options that do not fit it, or a part of a mix: more shots than it has
 * exemplars, --cot without a `cot` part or with exemplars that have no rationale. Free it whether it fails or not. */
bool judge_new(Judge **out, const char *prompt, JudgeOptions o, Err *err) MUST_CHECK;
/* The same with a model here, by which the answers are encoded; NULL where it fails. */
bool judge_open(Judge **out, Model *model, const char *prompt, JudgeOptions o, Err *err) MUST_CHECK;
/* A reward model that judges responses one by one; device NULL: without weights, to plan. NULL where it fails. */
bool judge_open_reward(Judge **out, const char *path, Device *device, int date, JudgeOptions o, Err *err) MUST_CHECK;
void judge_free(Judge *j); /* accepts NULL */
/* The judges of one prompt each that this one asks, each with a backend: itself, or those of a mix's parts; NULL behind the last. */
Judge *judge_asked(Judge *j, int i);

/* Pairs in both orders, or in one. Release each of `out` with pair_verdict_release, whether it fails or not. */
bool judge_pairs(Judge *j, const Question *q, int n, bool both, PairVerdict *out, Err *err) MUST_CHECK;

/* Responses one by one (all kinds but pairwise). */
bool judge_responses(Judge *j, const Question *q, int n, Verdict *out, Err *err) MUST_CHECK;

/* Adds to a plan, which begins as zeros. Call it for the questions of each judge_pairs (orders 1 or 2) or judge_responses
 * (orders 1) to come, in their order. */
bool judge_plan(Judge *j, const Question *q, int n, bool both, JudgePlan *plan, Err *err) MUST_CHECK;

/* Appends the prompt of one question as the judge reads it, in the order as given; with chain of thought both steps, with
 * "..." for the rationale. */
bool judge_show(Judge *j, const Question *q, Str *out, Err *err) MUST_CHECK;

/* A direct judge's reward in [-1, 1] (paper.md 7): kind score, the expectation of the answers' numbers mapped
 * linearly; kind verdict, (P1 - P2) / (P1 + P2). Kinds checklist, contrast and mix: K
 * (verdict_log_odds), F, and the margin, which have no bounds but F. */
double judge_reward(const Judge *j, const Verdict *v);
/* What rows keep of a verdict of one response (single_json, mix_json). */
json_t *judge_verdict_json(const Judge *j, const Verdict *v);
/* The same with "expectation": a response's `judgment`. */
json_t *judgment_json(const Judge *j, const Verdict *v);
/* verdict_expectation by the judge's scale. */
double judge_expectation(const Judge *j, const Verdict *v);

/* {"url", "model", ...} of a judge behind an endpoint, borrowed; NULL of a model here. */
const json_t *judge_endpoint_about(const Judge *j);

/* What sharing of prefixes has saved so far; zeros where the backend does not say. */
ScorerCost judge_cost(const Judge *j);

#endif
