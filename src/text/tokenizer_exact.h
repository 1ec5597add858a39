/* tokenizer.rlaif.json: what a GGUF says of its tokenizer. */
#ifndef TEXT_TOKENIZER_EXACT_H
#define TEXT_TOKENIZER_EXACT_H

#include "text/tokenizer_internal.h"

#include <jansson.h>

/* The GGUF's description as the text of tokenizer.rlaif.json, and back. `hash` is tokenizer.json's SHA-256. */
char *tokenizer_exact_text(const Tokenizer *t, const char *hash);
bool tokenizer_read_exact(Tokenizer **out, const json_t *root, Err *err) MUST_CHECK;

#endif
