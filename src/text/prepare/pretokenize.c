/* Pre-tokenizers: a text is cut into words, and no token reaches from one word into the next. */
#include "text/prepare/pretokenize.h"

#include "base/mem.h"
#include "base/str.h"

bool splits_add(Splits *s, const char *pattern, bool literal, SplitKind kind, bool invert, Err *err)
{
    s->item = MEM_GROW(s->item, s->n, s->cap);
    Split *split = &s->item[s->n];
    *split = (Split){.kind = kind, .invert = invert};
    if (!pattern_new(&split->pattern, pattern, literal, err))
        return false;
    s->n++;
    return true;
}

void splits_release(Splits *s)
{
    for (int i = 0; i < s->n; i++)
        pattern_free(s->item[i].pattern);
    free(s->item);
    *s = (Splits){0};
}

void spans_release(Spans *s)
{
    free(s->item);
    free(s->from);
    pattern_scratch_free(s->scratch);
    *s = (Spans){0};
}

/* Appends a piece, or joins it to the last one, as the kind of the split wants. `first`: where the pieces of
 * this piece's text begin in out->item. Empty pieces are dropped at the end of a run: they cut, too. */
static void put(Spans *out, int first, SplitKind kind, Span x)
{
    Span *last = out->n > first ? &out->item[out->n - 1] : NULL;
    bool joins = last && ((kind == SPLIT_PREVIOUS && x.match && !last->match) ||
                          (kind == SPLIT_NEXT && !x.match && last->match) ||
                          (kind == SPLIT_CONTIGUOUS && x.match == last->match));
    if (joins) {
        last->len += x.len;
        last->match = x.match;
        return;
    }
    if (kind == SPLIT_REMOVED && x.match)
        return;
    out->item = MEM_GROW(out->item, out->n, out->cap);
    out->item[out->n++] = x;
}

/* Cuts one piece. */
static bool cut(const Split *s, const char *text, Span piece, Spans *out, Err *err)
{
    int first = out->n, done = 0;
    PatternWalk w = {0};
    for (;;) {
        if (!pattern_next(s->pattern, out->scratch, text + piece.at, piece.len, &w, err))
            return false;
        if (w.begin < 0)
            break;
        if (w.begin > done)
            put(out, first, s->kind, (Span){piece.at + done, w.begin - done, s->invert});
        put(out, first, s->kind, (Span){piece.at + w.begin, w.end - w.begin, !s->invert});
        done = w.end;
    }
    if (done < piece.len)
        put(out, first, s->kind, (Span){piece.at + done, piece.len - done, s->invert});
    return true;
}

static void drop_empty(Spans *s)
{
    int kept = 0;
    for (int i = 0; i < s->n; i++)
        if (s->item[i].len)
            s->item[kept++] = s->item[i];
    s->n = kept;
}

static void swap(Spans *s)
{
    Spans old = *s;
    s->item = old.from, s->n = 0, s->cap = old.from_cap;
    s->from = old.item, s->from_n = old.n, s->from_cap = old.cap;
}

bool splits_run(const Splits *s, const char *text, int n, Spans *out, Err *err)
{
    if (!out->scratch && s->n)
        out->scratch = pattern_scratch_new();
    out->item = MEM_GROW(out->item, 0, out->cap);
    out->item[0] = (Span){0, n, false};
    out->n = n > 0;
    for (int i = 0; i < s->n; i++) {
        swap(out);
        for (int j = 0; j < out->from_n; j++)
            if (!cut(&s->item[i], text, out->from[j], out, err))
                return false;
        drop_empty(out);
    }
    return true;
}
