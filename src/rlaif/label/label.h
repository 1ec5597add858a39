/* Labels: preferences between two responses from a judge (paper.md 3). This opens the folder. row.h knows what a label is as
 * JSON and how it is settled: averaged, turned, softened. Upwards from it: asking.h (who is asked, and the questions of a
 * chunk), plan.h (what that will take), ask.h (the stage that asks), from.h (labels settled anew), choose.h (a prompt chosen by
 * people's choices), fit.h (a mix's numbers measured, and by weighing.h its weights), label.c (which of these). score.h has numbers
 * in place of preferences. Read row.h first, then ask.c. */
#ifndef RLAIF_LABEL_LABEL_H
#define RLAIF_LABEL_LABEL_H

#include "rlaif/label/options.h"

/* Labels every row: its `label` is what docs/formats.md says; or fits a mix to the rows (label_fit). Where labels are dropped, the
 * stage NAME.all keeps what the judge said of all rows, so that other filters do not ask again.
 *
 * Of several prompts ("NAME|FILE --cot --shots 2": options that a candidate has of its own may follow) the one whose labels
 * agree with people most on choose_on labels the pairs; equal ones: the first. With several trials every candidate's
 * exemplars are drawn by the seeds SEED, SEED + 1, ..., its accuracy is their mean, and the pairs are labelled with the
 * first draw. The stages NAME.choice-1, ... keep the candidates' labels.
 *
 * Summary: pairs, prompt, method, mean_p, mean_distance_from_half, mass, same_slot_rate (pairs in both orders), cut (rows
 * whose context was cut), tokens {input, output}, alignment (alignment_numbers), cost (cost.h); after filters and with `from`: read, dropped {same_slot, undecided};
 * where a prompt was chosen: choice {chosen, same_rows (the pairs are choose_on's rows), candidates [{prompt, accuracy, interval, n, different (draws of exemplars), sd,
 * least, most (over trials), trials [{exemplar_seed, exemplars (numbers from 1), with_choice, accuracy, interval, ties}]}]}. */
bool label_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
