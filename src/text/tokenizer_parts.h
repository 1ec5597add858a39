/* The parts of tokenizer.json around its model. */
#ifndef TEXT_TOKENIZER_PARTS_H
#define TEXT_TOKENIZER_PARTS_H

#include "text/tokenizer_internal.h"

#include <jansson.h>

/* Its normalizer, pre-tokenizer and decoder, before the tokens; its post-processor, after them. */
bool tokenizer_read_parts(Tokenizer *t, const json_t *root, Err *err) MUST_CHECK;
bool tokenizer_read_post_processor(Tokenizer *t, const json_t *root, Err *err) MUST_CHECK;

#endif
