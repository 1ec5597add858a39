/* What a row is made to say before and after it becomes one of ours: which of its fields are two replies, and a suffix; and what
 * its prompt is known by. */
#ifndef RLAIF_IMPORT_ADAPT_H
#define RLAIF_IMPORT_ADAPT_H

#include "base/hash.h"
#include "base/options.h"

/* Are they two fields, FIELD or NAME=FIELD, of different names? */
bool import_replies_fit(const OptionList *replies);

/* The row with the two fields as `response_a` and `response_b`, and what verdicts call them as `model_a` and `model_b`
 * (rows/comparison.h). Of the blanks before a reply one is left, of those behind it none. Release it. */
bool import_named_replies(const json_t *row, const OptionList *replies, json_t **out, Err *err) MUST_CHECK;

/* Puts the text behind the prompt of a row of ours: behind a text, or what the user said last. Fails where the last turn is not
 * the user's. */
bool import_add_suffix(json_t *row, const char *suffix, Err *err) MUST_CHECK;

/* The hash of a row's prompt, and those of all rows of the files, which join `known`. */
bool import_hash_prompt(const json_t *row, char hash[HASH_TEXT], Err *err) MUST_CHECK;
bool import_known_prompts(const OptionList *files, json_t *known, Err *err) MUST_CHECK;

#endif
