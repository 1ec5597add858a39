/* Messages, progress and the stop flag: the only state of the process outside its objects. */
#include "base/log.h"

#include "base/str.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { INTERRUPTED_STATUS = 130 };

static bool quiet_progress;
static Progress *on_screen; /* the bar that a message has to clear first */
static volatile sig_atomic_t stop_requested;

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double clock_seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

double clock_date(void)
{
    return seconds_of(CLOCK_REALTIME);
}

void log_set_quiet(bool quiet)
{
    quiet_progress = quiet;
}

PRINTF_LIKE(2, 0) static void say(const char *kind, const char *fmt, va_list ap)
{
    if (on_screen && on_screen->live) {
        fputs("\r\033[K", stderr);
        on_screen->shown = 0;
    }
    fputs("rlaif: ", stderr);
    fputs(kind, stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
}

void log_note(const char *fmt, ...)
{
    if (quiet_progress)
        return;
    va_list ap;
    va_start(ap, fmt);
    say("", fmt, ap);
    va_end(ap);
}

void log_warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say("warning: ", fmt, ap);
    va_end(ap);
}

static void human_time(char out[32], double s)
{
    if (s < 60)
        snprintf(out, 32, "%.0f s", s);
    else if (s < 3600)
        snprintf(out, 32, "%d:%02d min", (int)(s / 60), (int)s % 60);
    else
        snprintf(out, 32, "%d:%02d h", (int)(s / 3600), (int)(s / 60) % 60);
}

static void show(Progress *p, double now)
{
    double share = p->total > 0 ? p->done / p->total : 0;
    double passed = now - p->started, fresh = p->done - p->done_before;
    double rate = passed > 0 ? fresh / passed : 0;
    char left[32] = "?", line[256];
    if (rate > 0)
        human_time(left, (p->total - p->done) / rate);
    const char *rate_unit = rate >= 0.1 || rate == 0 ? "s" : "min";
    if (rate < 0.1)
        rate *= 60;
    int n = snprintf(line, sizeof line, "%s %.0f/%.0f %s", p->what, p->done, p->total, p->unit);
    if (fresh > 0 && n > 0 && n < (int)sizeof line)
        n += snprintf(line + n, sizeof line - (size_t)n, ", %.3g/%s, %s left", rate, rate_unit, left);
    if (p->figure[0] && n > 0 && n < (int)sizeof line)
        snprintf(line + n, sizeof line - (size_t)n, ", %s", p->figure);
    if (!p->live) {
        fprintf(stderr, "rlaif: %s\n", line);
        return;
    }
    struct winsize w = {0};
    int columns = ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
    enum { BAR = 20 };
    char bar[BAR + 1];
    for (int i = 0; i < BAR; i++)
        bar[i] = i < (int)(share * BAR + 0.5) ? '#' : '.';
    bar[BAR] = 0;
    fprintf(stderr, "\r\033[K[%s] %.*s", bar, columns - BAR - 4, line);
    fflush(stderr);
}

void progress_begin(Progress *p, const char *what, const char *unit, double total, double done_before)
{
    *p = (Progress){.what = what, .unit = unit, .total = total, .done = done_before, .done_before = done_before};
    p->started = clock_seconds();
    p->live = isatty(STDERR_FILENO) != 0;
    p->shown = p->live ? 0 : p->started;
    if (quiet_progress)
        return;
    on_screen = p;
    if (p->live)
        show(p, p->started);
}

void progress_at(Progress *p, double done)
{
    p->done = done;
    double now = clock_seconds();
    if (quiet_progress || now - p->shown < (p->live ? 0.1 : 10))
        return;
    p->shown = now;
    show(p, now);
}

void progress_figure(Progress *p, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(p->figure, sizeof p->figure, fmt, ap);
    va_end(ap);
}

void progress_end(Progress *p)
{
    if (quiet_progress || on_screen != p)
        return;
    if (p->live)
        fputs("\r\033[K", stderr);
    on_screen = NULL;
    double n = p->done - p->done_before;
    if (n == 0)
        return; /* it failed before anything was done, which the error says */
    char took[32];
    human_time(took, clock_seconds() - p->started);
    int unit = (int)strlen(p->unit) - (n == 1 && str_ends(p->unit, "s")); /* 1 step */
    fprintf(stderr, "rlaif: %s: %.0f %.*s in %s%s%s\n", p->what, n, unit, p->unit, took, p->figure[0] ? ", " : "",
            p->figure);
}

/* In a signal's handler only write() may speak. */
static void say_at_once(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
}

static void on_signal(int sig)
{
    (void)sig;
    if (stop_requested) {
        say_at_once("\nrlaif: stopped at once; what was stored before stays\n");
        _exit(INTERRUPTED_STATUS);
    }
    stop_requested = 1;
    say_at_once("\nrlaif: stopping where nothing is lost; a second signal stops at once\n");
}

void interrupt_install(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

bool not_interrupted(Err *err)
{
    return !stop_requested || err_set(err, ERR_INTERRUPTED, "interrupted");
}
