/* Unigram language models of texts: the best way to cut one, by dynamic programming over where tokens end. */
#include "text/unigram.h"

enum { PENALTY = 10 };

/* The best way to cut what stands before a place; from = -1: none is known yet. */
typedef struct UnigramBest {
    double sum;
    int from, id; /* its last token */
    int next;     /* where the one behind ends, on the way back */
} UnigramBest;

void unigram_release(Unigram *u)
{
    free(u->score);
    *u = (Unigram){0};
}

void unigram_set(Unigram *u, const Vocab *v, double *score, int n, double lowest)
{
    u->score = score;
    u->longest = 1;
    for (int id = 0; id < n; id++) {
        int bytes = (int)vocab_length(v, id);
        u->longest = bytes > u->longest ? bytes : u->longest;
    }
    u->unknown = lowest - PENALTY;
}

void unigram_work_release(UnigramWork *w)
{
    free(w->best);
    *w = (UnigramWork){0};
}

static int char_length(const char *text, int n)
{
    int len = str_utf8_length((const unsigned char *)text, (size_t)n);
    return len ? len : 1;
}

/* Of equal sums the one whose last token is longest stays. */
static void offer(UnigramBest *to, double sum, int from, int id)
{
    if (to->from < 0 || sum > to->sum) {
        to->sum = sum;
        to->from = from;
        to->id = id;
    }
}

static void find_best(const Unigram *u, const Vocab *v, const char *text, int n, UnigramBest *best)
{
    for (int at = 0, first; at < n; at += first) {
        bool single = false;
        first = char_length(text + at, n - at);
        for (int end = at + first; end <= n && end - at <= u->longest;) {
            int id = vocab_find_plain(v, text + at, (size_t)(end - at));
            if (id >= 0) {
                offer(&best[end], best[at].sum + u->score[id], at, id);
                single = single || end == at + first;
            }
            if (end == n)
                break;
            end += char_length(text + end, n - end);
        }
        if (!single)
            offer(&best[at + first], best[at].sum + u->unknown, at, -1);
    }
}

void unigram_run(const Unigram *u, const Vocab *v, const char *text, int n, UnigramWork *w, MergeWork *out)
{
    merge_begin(out);
    if (n > w->cap || !w->best) {
        w->best = mem_resize(w->best, (size_t)n + 1, sizeof *w->best);
        w->cap = n;
    }
    UnigramBest *best = w->best;
    for (int i = 0; i <= n; i++)
        best[i].from = -1;
    best[0].sum = 0;
    find_best(u, v, text, n, best);
    for (int end = n, behind = 0; end > 0; behind = end, end = best[end].from)
        best[end].next = behind;
    int end = n;
    while (end > 0 && best[end].from > 0)
        end = best[end].from;
    for (; end > 0; end = best[end].next)
        merge_symbol(out, best[end].id, best[end].from, end - best[end].from);
}
