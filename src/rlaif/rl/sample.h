/* Samples: responses of a policy to prompts. */
#ifndef RLAIF_RL_SAMPLE_H
#define RLAIF_RL_SAMPLE_H

#include "infer/generate.h"
#include "rlaif/rows/cut.h"
#include "rlaif/stage/stage.h"

/* Options of everything that draws tokens; a part of its options struct. */
typedef struct SamplingOptions {
    double temperature, top_p;
    int top_k, max_new_tokens;
    bool greedy;
} SamplingOptions;
enum { SAMPLING_OPTIONS = 5 };
extern const Option sampling_options[SAMPLING_OPTIONS];
Sampling sampling_of(const SamplingOptions *o);

typedef struct SampleOptions {
    CommonOptions common;
    SamplingOptions sampling;
    char *prompts, *model, *output;
    int n, truncate, chat, limit;
    bool strip_trailing, skip_bad;
} SampleOptions;
extern const OptionTable sample_table;

/* n responses to every prompt: `response` and `ended`, or `responses` and `ended` lists; and `model`. What a row said of
 * other responses (a pair's, its label, a person's choice) is left out. With strip_trailing what policies append behind an
 * end is taken off (response_trimmed, paper.md 6.5): `stripped` says of each whether anything was, and the summary of how
 * many. A context that was cut: `cut`, by how many characters. */
bool sample_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

/* The text of a response's ids, its end-of-turn token left out; what is no UTF-8, as where it was cut off, is U+FFFD. The caller
 * frees it. */
char *response_text(const Model *m, const Response *r);

#endif
