/* A tokenizer as a GGUF file says it. */
#ifndef TEXT_TOKENIZER_DESCRIBE_H
#define TEXT_TOKENIZER_DESCRIBE_H

#include "text/tokenizer.h"

typedef struct TokenizerDescription {
    TokenizerSpec spec; /* its lists are the ones below */
    const char **tokens;
    char **made; /* texts that were made for it, `n_made` of them: of padding, of merges */
    int n_made, cap_made;
    int *types;
    float *scores;
    const char **merges;
} TokenizerDescription;

/* Of as many tokens as the embedding has rows: padding is added, and what has no row is left out. A tokenizer that came from a
 * tokenizer.json gets the name of the pre-tokenizer that cuts as it does, or scores in the order of its merges; what is so
 * described must give the same ids on texts of many kinds. Fails where GGUF has no words for it. */
bool tokenizer_describe(TokenizerDescription *out, const Tokenizer *t, int rows, Err *err) MUST_CHECK;
void tokenizer_description_release(TokenizerDescription *d);

#endif
