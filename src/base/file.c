/* Whole files, mappings and directories. Lines and compressed text are in lines.c. */
#include "base/file.h"

#include "base/mem.h"
#include "base/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool is_no_directory(const char *path, Err *err)
{
    if (!file_is_dir(path))
        return true;
    err_set(err, ERR_INPUT, "%s is a directory, a file is needed", path);
    return err_hint(err, "name a file inside it");
}

/* Reads to the end, at most `most` bytes. */
static bool read_to_end(Source *from, size_t most, char **out, size_t *n, Err *err)
{
    struct stat st;
    size_t room = !from->kept && fstat(from->fd, &st) == 0 ? (size_t)st.st_size : 0, got;
    char *text = NULL, human[32];
    do { /* one byte more than is known of shows whether that is all; of a pipe nothing is known */
        room = *n < room ? room : 2 * *n + 4096;
        text = mem_resize(text, (room = room < most ? room : most) + 2, 1);
        if (!source_fill(from, text + *n, room + 1 - *n, &got, err)) {
            free(text);
            return false;
        }
        *n += got;
    } while (*n > room && *n <= most);
    if (*n > most) {
        free(text);
        err_set(err, ERR_INPUT, "%s: larger than %s, the most that is read", from->name,
                mem_human(human, (double)most));
        return err_hint(err, "name another file");
    }
    text[*n] = 0;
    *out = text;
    return true;
}

bool file_read(const char *path, size_t most, char **out, size_t *n, Err *err)
{
    Source source;
    *out = NULL;
    *n = 0;
    if (!is_no_directory(path, err) || !source_open(&source, path, err))
        return false;
    bool ok = read_to_end(&source, most, out, n, err);
    source_close(&source);
    return ok;
}

/* All of the bytes, whatever the system takes at a time. */
static bool write_all(int fd, const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        errno = 0;
        ssize_t k = write(fd, (const char *)bytes + done, n - done);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        done += (size_t)k;
    }
    return true;
}

/* --- files that appear under their name when they are whole --- */

static bool failed(NewFile *f, Err *err)
{
    err_system(err, f->path);
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
            return err_system(err, path);
        bool taken = flock(*fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK, ours = !taken && has_name(*fd, lock);
        if (ours && ftruncate(*fd, 0) == 0)
            return true;
        if (ours)
            err_system(err, path);
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

bool file_write(const char *path, const void *bytes, size_t n, Err *err)
{
    NewFile f;
    if (!new_file_open(&f, path, err))
        return false;
    if (!write_all(f.fd, bytes, n)) {
        err_system(err, path);
        new_file_drop(&f);
        return false;
    }
    return new_file_keep(&f, err);
}

bool file_append(const char *path, const void *bytes, size_t n, Err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write_all(fd, bytes, n);
    if (!ok)
        err_system(err, path);
    if (fd >= 0 && close(fd) != 0 && ok)
        ok = err_system(err, path);
    return ok;
}

bool file_is_whole(const char *path, Err *err)
{
    if (!is_no_directory(path, err))
        return false;
    if (!file_is_special(path))
        return true;
    err_set(err, ERR_INPUT, "%s is a pipe or a device, a file is needed", path);
    return err_hint(err, "its parts are read in any order and more than once: write it to a file first");
}

bool file_map(const char *path, FileMap *map, Err *err)
{
    *map = (FileMap){0};
    if (!file_is_whole(path, err))
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    size_t size = ok ? (size_t)st.st_size : 0;
    void *p = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    ok = (ok && p != MAP_FAILED) || err_system(err, path);
    if (fd >= 0)
        close(fd);
    if (ok)
        *map = (FileMap){p, size};
    return ok;
}

void file_unmap(FileMap *map)
{
    if (map->bytes)
        munmap((void *)(uintptr_t)map->bytes, map->n);
    *map = (FileMap){0};
}

void file_forget(const FileMap *map, const void *from, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t a = ((uintptr_t)from + page - 1) & ~(page - 1), b = ((uintptr_t)from + n) & ~(page - 1);
    if (map->bytes && b > a)
        madvise((void *)a, b - a, MADV_DONTNEED);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool file_stamp(const char *path, char out[FILE_STAMP])
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    snprintf(out, FILE_STAMP, "%llu:%llu:%lld:%lld.%09ld:%lld.%09ld", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino, (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
             (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    return true;
}

bool file_same(const char *a, const char *b)
{
    struct stat x, y;
    return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

bool file_has_folder(const char *path, Err *err)
{
    size_t n = (size_t)(path_base(path) - path);
    char *folder = n > 0 ? mem_strn(path, n > 1 ? n - 1 : n) : mem_str(".");
    struct stat st;
    bool there = stat(folder, &st) == 0, ok = there && S_ISDIR(st.st_mode);
    if (!there && errno != ENOENT) {
        err_system(err, path);
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

bool dir_make(const char *path, Err *err)
{
    char *p = mem_str(path);
    bool ok = true;
    for (char *s = p + (p[0] != 0); ok; s++) {
        bool end = *s == 0;
        if (*s != '/' && !end)
            continue;
        *s = 0;
        ok = file_is_dir(p) || mkdir(p, 0777) == 0;
        int reason = errno;
        if (!ok && access(p, F_OK) == 0)
            err_set(err, ERR_INPUT, "%s is a file, a directory is needed", p), err_hint(err, "name a directory");
        else if (!ok)
            err_set(err, reason == ENOENT ? ERR_INPUT : ERR_IO, "%s: cannot be made: %s", p, strerror(reason)),
                err_hint(err, "free some space, mend permissions, or name another directory");
        if (end)
            break;
        *s = '/';
    }
    free(p);
    return ok;
}

bool dir_list(const char *path, char ***names, int *n, Err *err)
{
    *names = NULL;
    *n = 0;
    struct dirent **entries;
    int found = scandir(path, &entries, NULL, NULL);
    if (found < 0)
        return err_system(err, path);
    char **list = mem_zalloc((size_t)found, sizeof *list);
    for (int i = 0; i < found; i++) {
        const char *name = entries[i]->d_name;
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            list[(*n)++] = mem_str(name);
        free(entries[i]);
    }
    free(entries);
    for (int i = 1; i < *n; i++) /* by bytes, whatever the locale */
        for (int j = i; j > 0 && strcmp(list[j - 1], list[j]) > 0; j--) {
            char *t = list[j];
            list[j] = list[j - 1];
            list[j - 1] = t;
        }
    *names = list;
    return true;
}

void names_free(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* A link to a directory is removed as the link that it is: what it names belongs to someone else. */
static bool is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

bool dir_remove(const char *path, Err *err)
{
    if (is_link(path) || !file_is_dir(path))
        return unlink(path) == 0 || errno == ENOENT || err_system(err, path);
    char **names;
    int n;
    if (!dir_list(path, &names, &n, err))
        return false;
    bool ok = true;
    for (int i = 0; i < n && ok; i++) {
        char *inner = path_join(path, names[i]);
        ok = dir_remove(inner, err);
        free(inner);
    }
    names_free(names, n);
    return ok && (rmdir(path) == 0 || err_system(err, path));
}

bool dir_sync(const char *path, Err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        err_system(err, path);
    if (fd >= 0)
        close(fd);
    return ok;
}

char *path_join(const char *dir, const char *name)
{
    if (!dir[0])
        return mem_str(name);
    return mem_printf("%s%s%s", dir, str_ends(dir, "/") ? "" : "/", name);
}

char *path_from(const char *folder, const char *path)
{
    char *from = realpath(folder[0] ? folder : ".", NULL), *to = realpath(path, NULL);
    Str way = {0};
    if (!from || !to)
        str_add(&way, path);
    size_t same = 0; /* up to the '/' behind what both begin with */
    for (size_t i = 0; from && to && (from[i] == to[i] || (!from[i] && to[i] == '/')); i++) {
        same = to[i] == '/' ? i : same;
        if (!from[i] || !to[i])
            break;
    }
    for (size_t i = same; from && to && from[i]; i++)
        str_add(&way, from[i] == '/' && from[i + 1] ? "../" : "");
    if (from && to)
        str_add(&way, to + same + 1);
    free(from);
    free(to);
    return str_take(&way);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

size_t disk_free(const char *path)
{
    char *p = mem_str(path);
    struct statvfs v;
    size_t n = 0;
    for (;;) {
        if (statvfs(p[0] ? p : ".", &v) == 0) {
            n = (size_t)v.f_bavail * v.f_frsize;
            break;
        }
        char *slash = strrchr(p, '/');
        if (!p[0] || strcmp(p, "/") == 0)
            break;
        *(slash == p ? p + 1 : slash ? slash : p) = 0;
    }
    free(p);
    return n;
}
