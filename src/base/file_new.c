/* Files that appear under their name when they are whole. */
#include "base/file_internal.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool file_failed(const char *path, Err *err)
{
    int e = errno ? errno : EIO;
    err_set(err, e == ENOENT || e == EISDIR || e == ENOTDIR ? ERR_INPUT : ERR_IO, "%s: %s", path, strerror(e));
    return err_hint(err, "%s", remedy_of(e));
}

bool file_has_folder(const char *path, Err *err)
{
    size_t n = (size_t)(path_base(path) - path);
    char *folder = n > 0 ? mem_strn(path, n > 1 ? n - 1 : n) : mem_str(".");
    struct stat st;
    bool there = stat(folder, &st) == 0, ok = there && S_ISDIR(st.st_mode);
    if (!there && errno != ENOENT) {
        file_failed(path, err);
    } else if (!ok) {
        err_set(err, ERR_INPUT, "%s: %s %s", path, folder, there ? "is a file, not a directory" : "is not there");
        err_hint(err, there ? "name another output" : "make it first, or name another output");
    }
    free(folder);
    return ok;
}

bool file_is_special(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

bool file_is_once(const char *path)
{
    return strcmp(path, "-") == 0 || file_is_special(path);
}

static bool failed(NewFile *f, Err *err)
{
    file_failed(f->path, err);
    new_file_drop(f);
    return false;
}

/* Is the open file still the one of this name? Its writer may just have given it its final one. */
static bool has_name(int fd, const char *name)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(name, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool file_lock(int *fd, const char *lock, const char *path, Err *err)
{
    for (;;) {
        *fd = open(lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (*fd < 0)
            return file_failed(path, err);
        bool taken = flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK, ours = !taken && has_name(*fd, lock);
        if (ours && ftruncate(*fd, 0) == 0)
            return true;
        if (ours)
            file_failed(path, err);
        close(*fd);
        *fd = -1;
        if (taken)
            return err_set(err, ERR_BUSY, "%s: another rlaif is writing it", path),
                   err_hint(err, "wait for it, or use another output");
        if (ours)
            return false;
    }
}

void file_unlock(int fd, const char *lock)
{
    if (fd < 0)
        return;
    unlink(lock); /* while it is held: who waits for the name finds that it is another file */
    close(fd);
}

bool new_file_open(NewFile *f, const char *path, Err *err)
{
    *f = (NewFile){.fd = -1};
    if (!file_has_folder(path, err))
        return false;
    f->path = mem_str(path);
    errno = EISDIR;
    if (file_is_dir(path))
        return failed(f, err);
    if (file_is_special(path)) {
        f->fd = open(path, O_WRONLY | O_CLOEXEC);
        return f->fd >= 0 || failed(f, err);
    }
    char *target = realpath(path, NULL); /* NULL: there is none yet */
    f->temporary = mem_printf("%s.tmp", target ? target : path);
    free(target);
    if (file_lock(&f->fd, f->temporary, f->path, err))
        return true;
    new_file_drop(f);
    return false;
}

bool new_file_keep(NewFile *f, Err *err)
{
    errno = 0;
    if (f->temporary) {
        size_t n = strlen(f->temporary) - strlen(".tmp");
        char *name = mem_strn(f->temporary, n);
        bool ok = fsync(f->fd) == 0 && rename(f->temporary, name) == 0;
        free(name);
        if (!ok)
            return failed(f, err);
        free(f->temporary);
        f->temporary = NULL;
    }
    int fd = f->fd;
    f->fd = -1;
    if (close(fd) != 0)
        return failed(f, err);
    new_file_drop(f);
    return true;
}

void new_file_drop(NewFile *f)
{
    if (f->temporary)
        file_unlock(f->fd, f->temporary);
    else if (f->fd >= 0)
        close(f->fd);
    free(f->temporary);
    free(f->path);
    *f = (NewFile){.fd = -1};
}
