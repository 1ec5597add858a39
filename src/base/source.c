/* Bytes from front to back; those of pipes are kept. */
#include "base/source.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* What came from a pipe or a device so far. It stays open, and stays here until the program ends. */
typedef struct Kept {
    dev_t device;
    ino_t inode;
    int fd;
    Str bytes;
    bool ended;
    struct Kept *next;
} Kept;

static Kept *kept;

static Kept *find_kept(const struct stat *st)
{
    Kept *k = kept;
    while (k && (k->device != st->st_dev || k->inode != st->st_ino))
        k = k->next;
    return k;
}

bool source_open(Source *s, const char *path, Err *err)
{
    bool standard = strcmp(path, "-") == 0;
    struct stat st;
    *s = (Source){.fd = -1};
    errno = 0;
    bool known = (standard ? fstat(STDIN_FILENO, &st) : stat(path, &st)) == 0;
    s->kept = known ? find_kept(&st) : NULL;
    if (!s->kept) { /* a known one is not opened: a FIFO would wait for another writer */
        s->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        if (s->fd < 0 || fstat(s->fd, &st) != 0)
            return err_system(err, path);
        if (standard || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))) {
            s->kept = mem_alloc(1, sizeof *s->kept);
            *s->kept = (Kept){.device = st.st_dev, .inode = st.st_ino, .fd = s->fd, .next = kept};
            kept = s->kept;
        }
    }
    s->name = mem_str(standard ? "standard input" : path);
    return true;
}

void source_close(Source *s)
{
    if (!s->kept && s->fd >= 0)
        close(s->fd);
    free(s->name);
    *s = (Source){.fd = -1};
}

/* A read goes on after a signal, a wait does not: only so Ctrl-C is noticed where nothing comes. */
static bool wait_for_bytes(int fd, Err *err)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    while (poll(&input, 1, -1) < 0 && errno == EINTR)
        if (!not_interrupted(err))
            return false;
    return true;
}

static bool fill(int fd, const char *name, char *to, size_t room, size_t *got, Err *err)
{
    *got = 0;
    while (*got < room) {
        if (!wait_for_bytes(fd, err))
            return false;
        errno = 0;
        ssize_t k = read(fd, to + *got, room - *got);
        if (k < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (k < 0)
            return err_system(err, name);
        if (k == 0)
            break;
        *got += (size_t)k;
    }
    return true;
}

bool source_fill(Source *s, void *to, size_t room, size_t *got, Err *err)
{
    Kept *k = s->kept;
    if (!k)
        return fill(s->fd, s->name, to, room, got, err);
    size_t old = k->bytes.n - s->at < room ? k->bytes.n - s->at : room, fresh = 0;
    if (old > 0)
        memcpy(to, k->bytes.text + s->at, old);
    if (old < room && !k->ended) {
        if (!fill(k->fd, s->name, (char *)to + old, room - old, &fresh, err))
            return false;
        str_addn(&k->bytes, (char *)to + old, fresh);
        k->ended = fresh < room - old;
    }
    *got = old + fresh;
    s->at += *got;
    return true;
}
