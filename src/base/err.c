/* Errors as sentences. */
#include "base/err.h"

#include <stdarg.h>

bool err_set(Err *e, ErrCode code, const char *fmt, ...)
{
    if (e->code != ERR_NONE)
        return false;
    e->code = code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    return false;
}

bool err_hint(Err *e, const char *fmt, ...)
{
    if (e->hint[0])
        return false;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
    return false;
}

bool err_context(Err *e, const char *fmt, ...)
{
    char where[sizeof e->msg], old[sizeof e->msg];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(where, sizeof where, fmt, ap);
    va_end(ap);
    memcpy(old, e->msg, sizeof old);
    int n = snprintf(e->msg, sizeof e->msg, "%s: ", where);
    if (n > 0 && (size_t)n < sizeof e->msg)
        snprintf(e->msg + n, sizeof e->msg - (size_t)n, "%s", old);
    return false;
}

void err_clear(Err *e)
{
    *e = (Err){0};
}
