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
    free(u->sorted);
    *u = (Unigram){0};
}

typedef struct Piece {
    const char *text;
    size_t length;
    int id;
} Piece;

static int by_text(const void *a, const void *b)
{
    const Piece *x = a, *y = b;
    int c = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);
    return c ? c : (x->length > y->length) - (x->length < y->length);
}

void unigram_set(Unigram *u, const Vocab *v, double *score, int n, double lowest)
{
    Piece *piece = mem_alloc((size_t)n, sizeof *piece);
    for (int id = 0; id < n; id++)
        piece[id] = (Piece){vocab_text(v, id), vocab_length(v, id), id};
    qsort(piece, (size_t)n, sizeof *piece, by_text);
    *u = (Unigram){.score = score, .sorted = mem_alloc((size_t)n, sizeof(int)), .n = n, .unknown = lowest - PENALTY};
    for (int i = 0; i < n; i++)
        u->sorted[i] = piece[i].id;
    free(piece);
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

/* Of the sorted tokens, those from `first` on and before `end`. */
typedef struct Run {
    int first, end;
} Run;

/* Those of a run that begin with so many bytes of a text. Where no token does the search ends: a vocabulary may have one of many
 * thousand bytes. */
static Run beginning_with(const Unigram *u, const Vocab *v, Run run, const char *text, size_t n)
{
    int edge[2];
    for (int past = 0; past < 2; past++) {
        int lo = run.first, hi = run.end;
        while (lo < hi) {
            int mid = lo + (hi - lo) / 2, id = u->sorted[mid];
            size_t length = vocab_length(v, id);
            int c = memcmp(vocab_text(v, id), text, length < n ? length : n);
            bool before = c ? c < 0 : length < n || past;
            lo = before ? mid + 1 : lo;
            hi = before ? hi : mid;
        }
        edge[past] = lo;
    }
    return (Run){edge[0], edge[1]};
}

static void find_best(const Unigram *u, const Vocab *v, const char *text, int n, UnigramBest *best)
{
    for (int at = 0, first; at < n; at += first) {
        bool single = false;
        Run run = {0, u->n};
        first = char_length(text + at, n - at);
        for (int end = at + first;; end += char_length(text + end, n - end)) {
            run = beginning_with(u, v, run, text + at, (size_t)(end - at));
            if (run.first == run.end)
                break;
            int id = vocab_find_plain(v, text + at, (size_t)(end - at));
            if (id >= 0) {
                offer(&best[end], best[at].sum + u->score[id], at, id);
                single = single || end == at + first;
            }
            if (end == n)
                break;
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
