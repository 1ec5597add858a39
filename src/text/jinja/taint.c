/* Taint: which bytes of a text came from a row. */
#include "text/jinja/taint.h"

#include "base/mem.h"

#include <string.h>

const char TAINT_ALL[1] = {1};

bool taint_at(const char *taint, size_t at)
{
    return taint && (taint == TAINT_ALL || taint[at]);
}

bool taint_any(const char *taint, size_t n)
{
    if (!taint || taint == TAINT_ALL)
        return taint && n > 0;
    for (size_t i = 0; i < n; i++)
        if (taint[i])
            return true;
    return false;
}

const char *taint_from(const char *taint, size_t at)
{
    return !taint || taint == TAINT_ALL ? taint : taint + at;
}

void tainted_fill(Tainted *t, bool tainted)
{
    char bytes[64];
    size_t n = t->text.n - t->taint.n;
    memset(bytes, tainted, n < sizeof bytes ? n : sizeof bytes);
    for (size_t k; n > 0; n -= k) {
        k = n < sizeof bytes ? n : sizeof bytes;
        str_addn(&t->taint, bytes, k);
    }
}

void tainted_add(Tainted *t, const char *s, size_t n, const char *taint)
{
    tainted_fill(t, false);
    str_addn(&t->text, s, n);
    if (taint && taint != TAINT_ALL)
        str_addn(&t->taint, taint, n);
    else
        tainted_fill(t, taint);
}

const char *tainted_taint(Tainted *t)
{
    tainted_fill(t, false);
    if (!taint_any(t->taint.text, t->taint.n))
        return NULL;
    return memchr(t->taint.text, 0, t->taint.n) ? t->taint.text : TAINT_ALL;
}

void tainted_clear(Tainted *t)
{
    str_clear(&t->text);
    str_clear(&t->taint);
}

void tainted_release(Tainted *t)
{
    str_release(&t->text);
    str_release(&t->taint);
}
