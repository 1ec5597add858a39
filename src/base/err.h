/* Errors as sentences: what went wrong, then what to do about it.
 *
 * A function that can fail because of the world (file, input, memory, device) returns bool, takes `Err *`
 * last and cannot be ignored:
 *
 *     if (n != 2)
 *         return err_set(err, ERR_INPUT, "%s:%d: \"responses\" has %d entries, needs 2", file, line, n),
 *                err_hint(err, "give exactly two responses a row");
 *
 * A zeroed Err means that nothing has failed. The first failure wins. Only cli/main.c prints one. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#define MUST_CHECK        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define COUNT(array)      ((int)(sizeof(array) / sizeof((array)[0])))

typedef enum ErrCode {
    ERR_NONE,
    ERR_INPUT,       /* a file, row, option value or model that cannot be used */
    ERR_IO,          /* the system refused: disk full, no permission */
    ERR_BUSY,        /* another process has it at the moment */
    ERR_MEMORY,      /* not enough memory */
    ERR_USAGE,       /* the command line is wrong: exit status 2 */
    ERR_INTERRUPTED, /* Ctrl-C or SIGTERM: exit status 130 */
    ERR_NUMBER       /* a NaN, an infinity, or a broken promise of the engine */
} ErrCode;

typedef struct Err {
    ErrCode code;
    char msg[1000]; /* what, where, the offending value */
    char hint[600]; /* what to do; may be empty */
} Err;

/* Records a failure and returns false. */
bool err_set(Err *e, ErrCode code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Adds what to do about the failure just set, if there is no hint yet, and returns false. */
bool err_hint(Err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sets the failure of the system call just made for `path`, by errno, with what to do about it, and returns false. */
bool err_system(Err *e, const char *path);

/* Puts "<where>: " before the message of a failure, and returns false. */
bool err_context(Err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Forgets a failure that the caller has dealt with. */
void err_clear(Err *e);

#endif
