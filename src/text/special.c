/* Tokens that are found in a text as they stand, before anything else looks at it. */
#include "text/special.h"

#include <utf8proc.h>

#include "text/prepare/normalize.h"

static int node_new(Specials *s, unsigned char byte)
{
    if (!s->nodes)
        s->nodes = 1; /* 0 means none */
    if (s->nodes >= s->node_cap) {
        s->node_cap = 2 * s->nodes + 64;
        s->node = mem_resize(s->node, (size_t)s->node_cap, sizeof *s->node);
    }
    s->node[s->nodes] = (SpecialNode){.item = -1, .byte = byte};
    return s->nodes++;
}

static int child_of(const Specials *s, int node, unsigned char byte)
{
    int child = s->node[node].child;
    while (child && s->node[child].byte != byte)
        child = s->node[child].sibling;
    return child;
}

static int child_make(Specials *s, int node, unsigned char byte)
{
    int child = child_of(s, node, byte);
    if (child)
        return child;
    child = node_new(s, byte);
    s->node[child].sibling = s->node[node].child;
    s->node[node].child = child;
    return child;
}

bool special_is_mark(const char *text)
{
    size_t n = strlen(text);
    return n > 2 && strchr("<[", text[0]) && strchr(">]", text[n - 1]);
}

bool specials_add(Specials *s, const char *text, size_t n, Special item)
{
    if (!n)
        return false;
    unsigned char byte = (unsigned char)text[0];
    if (!s->first[byte])
        s->first[byte] = node_new(s, byte);
    int node = s->first[byte];
    for (size_t i = 1; i < n; i++)
        node = child_make(s, node, (unsigned char)text[i]);
    if (s->node[node].item >= 0)
        return false;
    s->item = MEM_GROW(s->item, s->n, s->cap);
    s->node[node].item = s->n;
    item.text = mem_strn(text, n);
    s->item[s->n++] = item;
    return true;
}

int specials_forget(Specials *s, int from)
{
    int forgotten = 0;
    for (int i = 1; i < s->nodes; i++)
        if (s->node[i].item >= 0 && s->item[s->node[i].item].id >= from) {
            s->node[i].item = -1;
            forgotten++;
        }
    return forgotten;
}

const Special *specials_item(const Specials *s, int id)
{
    for (int i = 0; i < s->n; i++)
        if (s->item[i].id == id)
            return &s->item[i];
    return NULL;
}

void specials_release(Specials *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->item[i].text);
    free(s->item);
    free(s->node);
    *s = (Specials){0};
}

void matches_release(Matches *m)
{
    free(m->item);
    free(m->heap.item);
    free(m->taken);
    *m = (Matches){0};
}

/* Does it count only outside of tainted text? */
static bool is_guarded(const Special *item, const Matches *m)
{
    return item->control || (item->written && !m->reply);
}

/* The longest token, of at most n bytes, that text begins with: its index and length, or -1. A control token that is
 * tainted in part is none; one that is tainted as a whole is in the way of others, as in tokenizers, or not, as in
 * llama.cpp. */
static int longest(const Specials *s, const char *text, int n, const char *taint, const Matches *m, int *len)
{
    int best = -1, node = n > 0 ? s->first[(unsigned char)text[0]] : 0;
    bool tainted = false, own = false;
    for (int i = 1; node; i++) {
        int item = s->node[node].item;
        *(taint_at(taint, (size_t)i - 1) ? &tainted : &own) = true;
        if (item >= 0 && (!is_guarded(&s->item[item], m) || !tainted || (!own && !s->longest_first))) {
            best = item;
            *len = i;
        }
        node = i < n ? child_of(s, node, (unsigned char)text[i]) : 0;
    }
    return best;
}

/* Puts the best candidate that begins at byte `at` and ends within n bytes into the queue. */
static void offer(const Specials *s, const char *text, int at, int n, const char *taint, Matches *m)
{
    int len = 0, item = longest(s, text + at, n, taint_from(taint, (size_t)at), m, &len);
    if (item < 0)
        return;
    uint64_t key = s->longest_first ? (uint64_t)(INT32_MAX - len) << 32 | (uint32_t)at : (uint32_t)at;
    heap_push(&m->heap, (HeapItem){key, at, 0, item, len});
}

static int by_place(const void *a, const void *b)
{
    const Match *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* \w of the Rust crate regex: Alphabetic, marks, decimal digits, connectors, joiners (UTS #18). */
static bool is_word(utf8proc_int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    bool circled = (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
                   (c >= 0x1f170 && c <= 0x1f189);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NL) || k == UTF8PROC_CATEGORY_PC || circled ||
           c == 0x200c || c == 0x200d;
}

/* Does no character of a word stand before or behind? */
static bool stands_alone(const char *text, int n, int at, int len)
{
    const utf8proc_uint8_t *s = (const utf8proc_uint8_t *)text;
    utf8proc_int32_t c = -1;
    int before = at;
    while (before > 0 && at - before < 4 && (before == at || (s[before] & 0xc0) == 0x80))
        before--;
    if (at > 0 && utf8proc_iterate(s + before, at - before, &c) > 0 && is_word(c))
        return false;
    return !(utf8proc_iterate(s + at + len, n - at - len, &c) > 0 && is_word(c));
}

/* Takes candidates in their order; one that meets a match already taken shrinks to the longest token that
 * ends before it, or is dropped where it begins inside. A control token of tainted text, or one that is only a part of a
 * word, is in the way of others, but no match. */
static void take(const Specials *s, const char *text, int n, const char *taint, Matches *m)
{
    while (m->heap.n) {
        HeapItem x = heap_pop(&m->heap);
        int clear = 0;
        while (clear < x.len && !m->taken[x.left + clear])
            clear++;
        if (clear < x.len) {
            offer(s, text, x.left, clear, taint, m);
            continue;
        }
        memset(m->taken + x.left, 1, (size_t)x.len);
        const Special *item = &s->item[x.id];
        if ((is_guarded(item, m) && taint_at(taint, (size_t)x.left)) ||
            (item->whole_word && !stands_alone(text, n, x.left, x.len)))
            continue;
        m->item = MEM_GROW(m->item, m->n, m->cap);
        m->item[m->n++] = (Match){x.left, x.len, x.id};
    }
    if (s->longest_first && m->n > 1)
        qsort(m->item, (size_t)m->n, sizeof *m->item, by_place);
}

/* White space to the right: of any kind, as in tokenizers, or ASCII's, as in llama.cpp. */
static int eaten_at(const Specials *s, const char *text, int n)
{
    return s->longest_first ? n > 0 && isspace((unsigned char)*text) : space_at(text, n);
}

/* Lets matches take the white space beside them, and turns indices into ids. A token that is itself white
 * space stays, even where the one before it took that, unless it takes from the left as well: so does tokenizers. */
static void finish(const Specials *s, const char *text, int n, Matches *m)
{
    int end = 0, kept = 0;
    for (int i = 0; i < m->n; i++) {
        Match x = m->item[i];
        const Special *item = &s->item[x.id];
        int stop = x.at + x.len, len;
        if (item->eats_left && x.at < end)
            x.at = end;
        while (item->eats_left && (len = space_before(text + end, x.at - end)))
            x.at -= len;
        while (item->eats_right && (len = eaten_at(s, text + stop, n - stop)))
            stop += len;
        end = stop;
        if (x.at < stop)
            m->item[kept++] = (Match){x.at, stop - x.at, item->id};
    }
    m->n = kept;
}

void specials_find(const Specials *s, const char *text, int n, const char *taint, Matches *out)
{
    out->n = out->heap.n = 0;
    for (int i = 0; i < n && s->n; i++)
        if (s->first[(unsigned char)text[i]])
            offer(s, text, i, n - i, taint, out);
    if (!out->heap.n)
        return;
    free(out->taken);
    out->taken = mem_zalloc((size_t)n, 1);
    take(s, text, n, taint, out);
    finish(s, text, n, out);
}
