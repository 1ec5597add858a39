/* Import: public formats to rows (docs/formats.md), with random subsets, splits and filters.
 *
 *   hh                chosen, rejected: transcripts          -> prompt (turns), responses, preferred 0
 *   trl               chosen, rejected, maybe prompt         -> prompt, responses, preferred 0
 *   tldr-comparisons  info, summaries, choice                -> prompt, responses, preferred, confidence
 *   shp               history, human_ref_A, human_ref_B, labels -> prompt, responses, preferred
 *   tldr              subreddit, title, post, summary        -> prompt, completion
 *                     query                                  -> prompt
 *   instruction       instruction, input, output             -> prompt, completion
 *   replies           two replies with a verdict, or a list with scores or ranks (comparison.h) -> a row for every two
 *   rows              prompt, messages or conversations      -> as it is
 *   ratings           item, rater, ranks or harmless         -> a ranking, or a response with a mark (rankings.h, eval.h)
 *
 * A TL;DR prompt is "SUBREDDIT: r/...\n\nTITLE: ...\n\nPOST: ...\n\nTL;DR:" (paper.md 2.1); the blank behind it is said by
 * `blank_before`. Fields that a format does
 * not use are kept under their names; one that has the name of a row's own field, as `preferred` beside `query`,
 * under "source_NAME"; what is left of info and summaries, under "comparison".
 *
 * Ratings are what people download from the page of `rate export`. They name items; the key that was written beside the page
 * says what an item is and who wrote what. Of two by the same rater on the same item the later line counts.
 *
 * `replies` names the fields of two replies where no format knows them, and what verdicts call them; `suffix` stands behind what
 * the user said last (adapt.h).
 *
 * This opens the folder. Upwards: imported.h (what a row becomes), replies.h (replies that were compared), format.h (every format,
 * row by row), adapt.h (what users have changed of a row), import.c (which rows are chosen). rating_items.h makes of responses what people rate. Read format.c first. */
#ifndef RLAIF_IMPORT_IMPORT_H
#define RLAIF_IMPORT_IMPORT_H

#include "rlaif/import/format.h"
#include "rlaif/stage/stage.h"

typedef struct ImportOptions {
    CommonOptions common;
    char *input, *output, *rest, *sample, *split, *key, *suffix;
    OptionList confidence, replies, without;
    double score_ratio;
    int format, limit, min_chars, max_chars;
    bool prompts, skip_bad;
} ImportOptions;
extern const OptionTable import_table;

/* Reads rows, turns them into ours, chooses, and writes them whole or not at all. What is chosen, in this order:
 *
 *   sample 15% or 1/6   so many of the rows read, at random (paper.md 2.5: the subset first, then the filters)
 *   confidence          rows of these confidences
 *   score-ratio         rows with a score_ratio of at least this: of votes for the preferred to those for the other (SHP)
 *   prompts             prompts alone, each once
 *   without             rows whose prompt, with its suffix, occurs in none of these files
 *   min-chars           prompt and longest response together have at least so many characters
 *   max-chars           and at most so many; both count the suffix
 *   sample 500          so many of those that are left, at random
 *   limit               the first so many
 *   split 2/3           so many at random to the output, the others to `rest` (default: OUT.jsonl -> OUT.rest.jsonl)
 *
 * Random choices are by seed and each row's identity, so that they do not depend on the rows' order; sizes are exact,
 * halves round up; rows stay in their order. Rows of one prompt are in one part of a split together, which may have a few
 * rows more for it. Without a row to write, or with an empty part, it fails; where fewer rows are there than `sample 500` or
 * `limit` ask for, it says so.
 *
 * Summary: read, written, rest (with split), left_out: {bad, sample, confidence, score_ratio, duplicates, without, min_chars, max_chars, limit, and
 * of comparisons ties, unscored, alone}, formats: {name: rows}, output, rest_output. */
bool import_rows(Work *work, const ImportOptions *o, Err *err) MUST_CHECK;

/* The same as a stage of a recipe, done once. */
bool import_stage(Work *work, const char *name, const void *options, Err *err) MUST_CHECK;

#endif
