/* The label of a row as JSON (docs/formats.md): made of what a judge said, and settled from what it keeps of that, once
 * or anew: averaging, flip, temperature and filters need no model. */
#ifndef RLAIF_LABEL_ROW_H
#define RLAIF_LABEL_ROW_H

#include "rlaif/judge/judge.h"

typedef enum LabelFlip { FLIP_AUTO, FLIP_TRUE, FLIP_FALSE } LabelFlip;

/* How labels follow from what was said; options of `label`. */
typedef struct SettleOptions {
    int flip;           /* LabelFlip; FLIP_AUTO: as the prompt says, or as the labels at hand were made */
    int average;        /* Averaging */
    double temperature; /* of the answers' distribution: above 1 softens labels, below sharpens them */
    double clamp;       /* p is kept in [clamp, 1 - clamp] */
    int use_samples;    /* average the first so many rationales of each order; 0: all */
    double noise;       /* labels are turned with this probability (label_add_noise) */
} SettleOptions;
enum { SETTLE_OPTIONS = 6 };
extern const Option settle_option_rows[SETTLE_OPTIONS];

/* What a judge said of a pair, or of its two responses alone; nothing that follows from it yet. */
json_t *label_of_pair(const Judge *j, const PairVerdict *v);
json_t *label_of_scores(const Judge *j, const Verdict v[2]);

/* A new label with what follows: `p`, that of each order, `same_slot`. Of a label in both orders only one is kept where
 * `order` says which; -1: both. What the label says besides stays. Fails for one that does not keep what was said. */
bool label_settle(const json_t *said, const SettleOptions *how, int order, json_t **out, Err *err) MUST_CHECK;

/* With probability how->noise, by seed and the row's identity, a settled label becomes the opposite: `p` is 1 - p and `noise`
 * true; what the judge said stays. What a smaller noise turns a larger one turns, too. */
void label_add_noise(json_t *label, const SettleOptions *how, int seed, uint64_t row);

#endif
