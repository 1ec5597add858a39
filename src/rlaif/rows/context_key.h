/* When two prompts are one, however their rows are written. */
#ifndef RLAIF_ROWS_CONTEXT_KEY_H
#define RLAIF_ROWS_CONTEXT_KEY_H

#include "base/hash.h"
#include "rlaif/rows/context.h"

/* What decides whether two prompts are the same one, however their rows are written (context_key.c). The caller frees it. */
char *context_key(const Context *c);
/* SHA-256 of that: by it prompts are compared. */
void context_hash(const Context *c, char out[HASH_TEXT]);
/* Its number among the prompts met, an object of their hashes; a new one where it has not been. */
int context_number(json_t *prompts, const Context *c);
/* Of the user's first turn: the hash of a prompt that is that turn alone, and one that is the same for all longer ones which
 * begin with it. True where this is a longer one. */
bool context_first(const Context *c, char alone[HASH_TEXT], char longer[HASH_TEXT]);

#endif
