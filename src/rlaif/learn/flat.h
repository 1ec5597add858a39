/* Flat labels and flat margins: what says next to nothing, and what a scale does to it. */
#ifndef RLAIF_LEARN_FLAT_H
#define RLAIF_LEARN_FLAT_H

#include "rlaif/stage/stage.h"

/* Probabilities that are less than this from one half, on average, are flat: the mean |p - 1/2| of labels, or of what a reward
 * model makes of margins, p = sigma(d). Scaled to a deviation of 1 they are noise, many times enlarged. */
static const double FLAT = 0.05;

/* Warns where a judge's labels are, by their mean |p - 1/2|. */
void flat_labels_warn(const char *stage, double distance);
/* Warns of margins: `what` begins the sentence. The scale is what rewards are divided by. */
void flat_margins_warn(const char *stage, const char *what, double scale);
/* Were the margins of a reward model whose rewards are divided by so much flat on its training rows? They may have been, too,
 * where this says no. */
bool flat_by_scale(double scale);
/* Does the store at hand, or the one beside a reward model, say that its labels or margins were? */
bool flat_on_record(const Work *work, const char *dir);

#endif
