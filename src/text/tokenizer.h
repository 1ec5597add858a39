/* Tokenizers: text to ids and back.
 *
 * Three kinds: byte-level BPE (GPT-2's, with the pre-tokenizer that the model names), SentencePiece-type
 * (blanks are U+2581, merges by score, bytes as a fallback), and SentencePiece's unigram models. They are built
 * from what a GGUF file says (TokenizerSpec) or from a Hugging Face directory's tokenizer.json, and written as the latter.
 *
 * Special tokens are handled apart from text: `tokenizer_encode` with special = false reads "<|im_end|>" as
 * the characters that it is, so that a row's text can never end a turn.
 *
 * A tokenizer does not change once it is made: threads may share it. */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "text/ids.h"
#include "text/jinja/taint.h"

#include <jansson.h>

typedef struct Tokenizer Tokenizer;

/* What a GGUF file says of its tokenizer. Everything is borrowed. */
typedef struct TokenizerSpec {
    const char *model; /* "gpt2": byte-level BPE; "llama": SentencePiece-type; "t5": SentencePiece's unigram models */
    const char *pre;   /* name of the pre-tokenizer: "smollm", "gpt-2", "llama-bpe", "qwen2", ...; may be NULL */
    int n;
    const char *const *tokens; /* [n] */
    const float *scores;       /* [n], or NULL */
    const int *types;          /* [n] TokenType, or NULL: all normal */
    int n_merges;
    const char *const *merges;   /* [n_merges] "left right" */
    int bos, eos, eot, unk, pad; /* -1: none */
    bool add_bos, add_eos, add_space_prefix;
    const char *charsmap; /* "t5": SentencePiece's map of characters in base64, or NULL */
    bool merge_blanks;    /* "t5": several are one, and none are at the ends */
    bool eats_blanks; /* tokens found in a text take the white space behind them, but <unk>, <s> and <|endoftext|> */
} TokenizerSpec;

/* Does a GGUF of this pre-tokenizer (NULL: none is named) begin a text with BOS where it says nothing of it? */
bool tokenizer_pre_adds_bos(const char *pre);

/* Ids are llama.cpp's for the same GGUF. Fails for an unknown model or pre-tokenizer (the hint lists those
 * known), two tokens with one text, a merge of tokens that do not exist, and ids outside the vocabulary. */
bool tokenizer_new(Tokenizer **out, const TokenizerSpec *spec, Err *err) MUST_CHECK;
/* From tokenizer.json and, where they exist, tokenizer_config.json, special_tokens_map.json,
 * generation_config.json and chat_template.jinja of a Hugging Face directory. A component of tokenizer.json
 * (normalizer, pre-tokenizer, model, post-processor, decoder) that is not understood is an error that names
 * it. */
bool tokenizer_open(Tokenizer **out, const char *dir, Err *err) MUST_CHECK;
/* Writes tokenizer.json and tokenizer_config.json, which tokenizer_open and the `tokenizers` library read to
 * the same ids; always the same bytes. `chat_template` (may be NULL) goes into tokenizer_config.json. Beside
 * them tokenizer.rlaif.json keeps what a GGUF says and tokenizer.json cannot.
 * What came from a directory is written as it was there, all of the files above; another chat template than
 * that one's then goes into chat_template.jinja. */
bool tokenizer_save(const Tokenizer *t, const char *dir, const char *chat_template, Err *err) MUST_CHECK;
/* Bytes of these files: of those that are written as they were, and about so many of those that are made. */
size_t tokenizer_saved_bytes(const Tokenizer *t);
void tokenizer_free(Tokenizer *t); /* accepts NULL */

/* Marks of the maker ("<think>") that this chat template writes are no less its own than control tokens are: from now on they
 * count as these do, only outside of tainted text. But in a reply they are what a policy draws. Before any text is encoded. */
void tokenizer_guard(Tokenizer *t, const char *chat_template);

/* For a model that has fewer rows than the tokenizer has tokens: those from id n on are never given. False where they are more than
 * added tokens. Before any text is encoded. */
bool tokenizer_limit(Tokenizer *t, int n) MUST_CHECK;

/* One more token that ends a response; -1: none. Before any text is encoded. */
void tokenizer_add_end(Tokenizer *t, int id);

/* How a text is encoded or ids decoded, or-ed. */
enum {
    TOKENIZE_SPECIAL = 1, /* control tokens in the text count as such */
    /* The text is a reply, which goes on from other ids: no blank is put before it, even where the vocabulary's texts begin with
     * one. */
    TOKENIZE_BARE = 2
};

/* Appends the ids of n bytes of text. No BOS and no EOS. Text that is not UTF-8 is encoded byte by byte
 * (where the vocabulary has bytes). What has no token, where none stands for the unknown, is left out. `how` is
 * TOKENIZE_.... Fails where a text is too long, or a pattern takes too many steps. */
bool tokenizer_encode(const Tokenizer *t, const char *text, size_t n, int how, Ids *ids, Err *err) MUST_CHECK;

/* The same for a text whose control tokens count where no byte of theirs is tainted. */
bool tokenizer_encode_tainted(const Tokenizer *t, Tainted *text, Ids *ids, Err *err) MUST_CHECK;

/* Do both give the same ids and texts? */
bool tokenizer_same(const Tokenizer *a, const Tokenizer *b);

/* Appends the bytes that ids stand for. TOKENIZE_SPECIAL: control tokens appear as their text; otherwise they are left out. Ids
 * outside the vocabulary are left out. Where encoding puts a blank before a text, the first blank is left out, too, unless
 * TOKENIZE_BARE: the ids go on from others, and their blank is one that was drawn. */
void tokenizer_decode(const Tokenizer *t, const int *id, int n, int how, Str *out);

int tokenizer_size(const Tokenizer *t);      /* ids are 0 .. size-1 */
int tokenizer_bos(const Tokenizer *t);       /* -1: none */
int tokenizer_eos(const Tokenizer *t);       /* the end of a text or turn; -1: none */
int tokenizer_end(const Tokenizer *t);       /* EOS, else another token that ends a response; -1: none */
bool tokenizer_adds_bos(const Tokenizer *t); /* does a sequence begin with BOS? */
/* Does this token end a response? EOS, EOT, what generation_config.json names, and control tokens with a
 * well-known name ("<|im_end|>", "<end_of_turn>", ...). */
bool tokenizer_ends(const Tokenizer *t, int id);
int tokenizer_find(const Tokenizer *t, const char *token); /* id of a token by its stored text, or -1 */
const char *tokenizer_token(const Tokenizer *t, int id);   /* its stored text, or NULL */
/* The chat template that tokenizer_config.json or chat_template.jinja held; NULL: none. Borrowed. */
const char *tokenizer_chat_template(const Tokenizer *t);
/* The special tokens that a chat template may name beside bos_token and eos_token: {"pad_token": "<pad>", ...}, texts or lists of
 * texts; NULL: none. Borrowed. */
const json_t *tokenizer_named_tokens(const Tokenizer *t);

#endif
