/* Added tokens that tokenizer.json lacks and the files beside it have. */
#ifndef TEXT_ADDED_TOKENS_H
#define TEXT_ADDED_TOKENS_H

#include "base/err.h"

#include <jansson.h>

/* Appends to the list added_tokens of tokenizer.json what transformers adds to it: the added_tokens_decoder of
 * tokenizer_config.json, without one what added_tokens.json has; and of the special tokens that tokenizer_config.json and (without
 * added_tokens_decoder) special_tokens_map.json name, those that are tokens of the model's vocabulary and written as marks. The
 * three may be NULL. Fails where an entry has no text or no id. */
bool added_tokens_complete(json_t *tokenizer, const json_t *config, const json_t *map, const json_t *added,
                           Err *err) MUST_CHECK;

#endif
