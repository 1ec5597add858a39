/* Probes of a policy's responses, as numbers of an evaluation. */
#ifndef RLAIF_EVAL_PROBES_H
#define RLAIF_EVAL_PROBES_H

#include "rlaif/rows/probes.h"

/* One response with its probes. */
typedef struct Probed {
    int cluster; /* the prompt: its number */
    double value[PROBES];
} Probed;

/* {responses, prompts, NAME: {mean, interval}} of one policy. */
void probes_summary(json_t *out, const Probed *p, int n, int clusters, int seed);
void probes_print(const char *of, const json_t *summary);

#endif
