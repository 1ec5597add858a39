/* Any bytes as a tokenizer.json; with what is accepted a text is encoded and decoded. */
#include "base/mem.h"
#include "text/tokenizer.h"
#include "text/tokenizer_dir.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char sample[] = "The  kettle's on.\n\n<|end|> 12 \xe2\x96\x81x\xff caf\xc3\xa9 e\xcc\x81 aaaaaaa <tag> ";

/* Ids are in the vocabulary, and none is a control token's where those are not looked for. */
static void check(const Tokenizer *t, const Ids *ids, bool special)
{
    Str text = {0};
    for (int i = 0; i < ids->n; i++)
        if (!tokenizer_token(t, ids->id[i]) ||
            (!special && ids->id[i] != t->unknown && vocab_is_special(&t->vocab, ids->id[i])))
            __builtin_trap();
    tokenizer_decode(t, ids->id, ids->n, special, &text);
    str_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    TokenizerFiles files = {0};
    Tokenizer *t;
    Err err = {0};
    files.text[FILE_TOKENIZER] = mem_strn((const char *)data, n);
    files.n[FILE_TOKENIZER] = n;
    if (!tokenizer_from_files(&t, &files, "fuzz", &err))
        return 0;
    for (int special = 0; special < 2; special++) {
        Ids ids = {0};
        Err refused = {0};
        if (tokenizer_encode(t, sample, sizeof sample - 1, special, &ids, &refused))
            check(t, &ids, special);
        ids_release(&ids);
    }
    tokenizer_free(t);
    return 0;
}
