/* What the program says while it works: messages and progress on stderr, and whether it was told to stop. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/err.h"

/* One line on stderr: "rlaif: ...". log_note is silent under --quiet, log_warn is not. */
void log_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_set_quiet(bool quiet);

/* A stage's progress: one live bar on a terminal, otherwise a plain line at most every ten seconds. */
typedef struct Progress {
    const char *what, *unit;         /* "label", "pairs" */
    double done, total, done_before; /* done_before: found finished when the stage began */
    double started, shown;           /* seconds of a clock that only moves on */
    char figure[64];                 /* the stage's own: "reward 0.41" */
    bool live;                       /* a bar stands on the terminal's last line */
} Progress;

void progress_begin(Progress *p, const char *what, const char *unit, double total, double done_before);
void progress_at(Progress *p, double done);
void progress_figure(Progress *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
void progress_end(Progress *p);

/* Seconds of a clock that only moves on: for rates and measured times, never stored in a result. */
double clock_seconds(void);
/* Seconds since 1970, by the machine's clock, which people may set: to say when something was. */
double clock_date(void);

/* Ctrl-C and SIGTERM raise a flag; whoever loops looks at it between items and stops where all is stored.
 * A second signal ends the process at once, with status 130. */
void interrupt_install(void);
/* False, with ERR_INTERRUPTED set, once the flag is up. */
bool not_interrupted(Err *err) MUST_CHECK;

#endif
