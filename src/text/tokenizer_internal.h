/* The inside of a tokenizer, shared by the files that build, use and write one. */
#ifndef TEXT_TOKENIZER_INTERNAL_H
#define TEXT_TOKENIZER_INTERNAL_H

#include "text/ids.h"
#include "text/merge.h"
#include "text/prepare/normalize.h"
#include "text/prepare/pretokenizers.h"
#include "text/special.h"
#include "text/unigram.h"

#include <jansson.h>

/* The files of a directory that belong to a tokenizer, in the order in which they are read and written. */
typedef enum FileName {
    FILE_TOKENIZER,   /* tokenizer.json */
    FILE_CONFIG,      /* tokenizer_config.json */
    FILE_SPECIAL_MAP, /* special_tokens_map.json */
    FILE_GENERATION,  /* generation_config.json */
    FILE_TEMPLATE,    /* chat_template.jinja */
    FILE_ADDED,       /* added_tokens.json */
    FILE_EXACT,       /* tokenizer.rlaif.json */
    FILE_NAMES
} FileName;

typedef struct TokenizerFiles {
    char *text[FILE_NAMES]; /* NULL: absent */
    size_t n[FILE_NAMES];
} TokenizerFiles;
void tokenizer_files_release(TokenizerFiles *f);

typedef struct Tokenizer Tokenizer;

/* A text passes: `raw` tokens are cut out; `normalize`; `added` tokens are cut out; `prefix`; `splits`; then
 * each word is cut by `byte_splits` and merged. */
struct Tokenizer {
    Vocab vocab;
    bool byte_level;  /* symbols are bytes in GPT-2's alphabet; otherwise characters */
    int byte_id[256]; /* the token of a byte; -1: none */
    bool byte_fallback, fuse_unknown, ignore_merges;
    int unknown; /* stands for what has no token; -1: that is left out */
    /* It is left out before what stands about it is merged, as in tokenizers; or afterwards, as in llama.cpp. */
    bool drops_early;

    Specials raw, added;
    Steps normalize, prefix;
    Splits splits, byte_splits; /* the latter in GPT-2's alphabet */
    Merges merges;
    Unigram unigram; /* in place of merges, where it has scores */
    /* Whether some token has a U+2581 after a character that ends in this byte: then none of the other places
     * before a U+2581 can be inside a token, and the text is merged in parts that end there. */
    bool joins_blank[256];

    bool marks_blank;  /* U+2581 in tokens is a blank */
    bool marks_added;  /* ... in added tokens too */
    bool drops_prefix; /* the first blank of a decoded text is the one that encoding has put there */

    int bos, eos, eot, unk, pad;
    bool add_bos, add_eos;
    Ids ends;
    char *chat_template;
    json_t *named; /* special tokens by name but bos_token and eos_token: texts, or lists of texts; NULL: none */

    /* For writing. What came from a directory is written as it was; the rest describes a GGUF's. */
    TokenizerFiles files;
    char *pre;    /* GGUF's name of the pre-tokenizer */
    float *score; /* [vocab.n], or NULL */
    bool add_space_prefix, merge_blanks, eats_blanks;
    char *charsmap;
};

/* A tokenizer without anything: ids -1. */
Tokenizer *tokenizer_blank(void);

/* Once vocabulary and merges are there: finds the tokens of bytes and of ends. */
void tokenizer_finish(Tokenizer *t);

#endif
