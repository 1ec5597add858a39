/* tokenizer.json, as the `tokenizers` library writes it: the model and the added tokens. */
#ifndef TEXT_TOKENIZER_JSON_H
#define TEXT_TOKENIZER_JSON_H

#include "text/tokenizer_internal.h"

#include <jansson.h>

/* Reads tokenizer.json into a blank tokenizer. */
bool tokenizer_read_json(Tokenizer *t, const json_t *root, Err *err) MUST_CHECK;

#endif
