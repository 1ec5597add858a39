/* The vocabulary of a tokenizer: texts and types of tokens by id, and ids by text. */
#include "text/vocab.h"

#include "base/mem.h"

void vocab_release(Vocab *v)
{
    str_release(&v->text);
    free(v->at);
    free(v->type);
    free(v->apart);
    free(v->slot);
    *v = (Vocab){0};
}

/* Eight bytes at a time: the merges of a SentencePiece-type vocabulary live on look-ups by text. */
static uint32_t hash_text(const char *text, size_t n)
{
    uint64_t h = n * 0x9e3779b97f4a7c15u, word;
    for (; n >= 8; text += 8, n -= 8) {
        memcpy(&word, text, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, text, n);
    h = (h ^ word) * 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h >> 32);
}

static void place(Vocab *v, uint32_t hash, int id)
{
    size_t i = hash & (v->slots - 1);
    while (v->slot[i].id >= 0)
        i = (i + 1) & (v->slots - 1);
    v->slot[i] = (VocabSlot){hash, id};
}

static void grow_slots(Vocab *v, size_t slots)
{
    VocabSlot *old = v->slot;
    size_t n = v->slots;
    v->slot = mem_alloc(slots, sizeof *v->slot);
    v->slots = slots;
    for (size_t i = 0; i < slots; i++)
        v->slot[i].id = -1;
    for (size_t i = 0; i < n; i++)
        if (old[i].id >= 0)
            place(v, old[i].hash, old[i].id);
    free(old);
}

void vocab_reserve(Vocab *v, int n)
{
    size_t slots = 64;
    while (slots < 2 * (size_t)n)
        slots *= 2;
    if (slots > v->slots)
        grow_slots(v, slots);
    if (n <= v->cap)
        return;
    v->at = mem_resize(v->at, (size_t)n, sizeof *v->at);
    v->type = mem_resize(v->type, (size_t)n, 1);
    v->apart = mem_resize(v->apart, (size_t)n, sizeof *v->apart);
    v->cap = n;
}

bool vocab_add(Vocab *v, const char *text, size_t n, TokenType type)
{
    if (vocab_find(v, text, n) >= 0)
        return false;
    if (v->n == v->cap)
        vocab_reserve(v, v->cap ? 2 * v->cap : 64);
    v->at[v->n] = v->text.n;
    v->type[v->n] = (unsigned char)type;
    v->apart[v->n] = type == TOKEN_CONTROL || type == TOKEN_UNKNOWN;
    str_addn(&v->text, text, n);
    str_addc(&v->text, 0);
    place(v, hash_text(text, n), v->n++);
    return true;
}

size_t vocab_length(const Vocab *v, int id)
{
    return (id + 1 < v->n ? v->at[id + 1] : v->text.n) - v->at[id] - 1;
}

int vocab_find(const Vocab *v, const char *text, size_t n)
{
    if (!v->slots)
        return -1;
    uint32_t hash = hash_text(text, n);
    for (size_t i = hash & (v->slots - 1); v->slot[i].id >= 0; i = (i + 1) & (v->slots - 1)) {
        int id = v->slot[i].id;
        if (v->slot[i].hash == hash && vocab_length(v, id) == n && !memcmp(vocab_text(v, id), text, n))
            return id;
    }
    return -1;
}

int vocab_find_plain(const Vocab *v, const char *text, size_t n)
{
    int id = vocab_find(v, text, n);
    return id >= 0 && v->apart[id] ? -1 : id;
}

void vocab_set_apart(Vocab *v, int id)
{
    v->apart[id] = true;
}

const char *vocab_text(const Vocab *v, int id)
{
    return v->text.text + v->at[id];
}

bool vocab_is_special(const Vocab *v, int id)
{
    return v->type[id] == TOKEN_CONTROL || v->type[id] == TOKEN_UNKNOWN;
}

/* Bytes that print in Latin-1 stand for themselves; the 68 others are U+0100 and up, in their order. */
static bool prints(int byte)
{
    return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xff && byte != 0xad);
}

static unsigned int alphabet_point(int byte)
{
    if (prints(byte))
        return (unsigned int)byte;
    if (byte <= ' ')
        return 0x100 + (unsigned int)byte;
    return byte == 0xad ? 0x143 : 0x121 + (unsigned int)byte - 0x7f;
}

int alphabet_char(unsigned char byte, char out[4])
{
    return str_utf8_write(alphabet_point(byte), out);
}

void alphabet_append_text(Str *out, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c[4];
        str_addn(out, c, (size_t)alphabet_char((unsigned char)bytes[i], c));
    }
}

/* The byte that the character at s stands for, or -1; *len is its length. */
static int alphabet_byte(const unsigned char *s, size_t n, size_t *len)
{
    *len = (size_t)str_utf8_length(s, n);
    if (*len == 1)
        return prints(s[0]) ? s[0] : -1;
    if (*len != 2)
        return -1;
    unsigned int point = (unsigned int)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
    if (point < 0x100)
        return prints((int)point) ? (int)point : -1;
    if (point <= 0x120)
        return (int)point - 0x100;
    if (point == 0x143)
        return 0xad;
    return point <= 0x142 ? (int)point - 0x121 + 0x7f : -1;
}

void alphabet_append_bytes(Str *out, const char *text, size_t n)
{
    size_t begin = out->n, len;
    for (size_t i = 0; i < n; i += len) {
        int byte = alphabet_byte((const unsigned char *)text + i, n - i, &len);
        if (byte < 0) { /* a token added as plain text: GPT-NeoX's runs of blanks */
            out->n = begin;
            str_addn(out, text, n);
            return;
        }
        str_addc(out, (char)byte);
    }
}
