/* Errors as sentences. */
#include "base/err.h"

#include <errno.h>
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

/* What to do about an error of the system. */
static const char *remedy_of(int e)
{
    switch (e) {
    case ENOENT: return "check the name, or make the file first";
    case ELOOP:
    case ENAMETOOLONG: return "check the name";
    case ENOTDIR: return "check the name: a part of it is a file, not a directory";
    case EISDIR: return "name a file, not a directory";
    case EACCES:
    case EPERM:
    case EROFS: return "mend its permissions, or name another";
    case ENOSPC:
    case EDQUOT: return "free some space, or name another output; the same command then goes on";
    case EFBIG: return "raise the limit on the size of files (ulimit -f); the same command then goes on";
    case EPIPE: return "what read it has ended; the same command goes on from what is stored";
    case EBADF: return "it was closed by what started this: give it a file, or /dev/null";
    case EMFILE:
    case ENFILE: return "raise the limit on open files (ulimit -n), or close other programs";
    case EIO: return "the disk or its connection fails: look at the system's log";
    default: return "";
    }
}

bool err_system(Err *e, const char *path)
{
    int number = errno ? errno : EIO;
    err_set(e, number == ENOENT || number == EISDIR || number == ENOTDIR ? ERR_INPUT : ERR_IO, "%s: %s", path,
            strerror(number));
    return err_hint(e, "%s", remedy_of(number));
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
