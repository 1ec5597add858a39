/* Lines of plain, gzip or zstd text, and text written to appear whole. zlib reads plain text too. */
#include "base/file_internal.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 1 << 16, LONGEST_LINE = 64 << 20 };

struct LineReader {
    char *path;
    gzFile gz;  /* plain and gzip */
    FILE *file; /* zstd */
    ZSTD_DStream *zstd;
    ZSTD_inBuffer in;
    char *in_bytes;
    char *buf; /* decoded text not yet given out: buf[at, n) */
    size_t at, n, cap;
    int line;
    bool ended;
    bool frame_open; /* inside a zstd frame */
};

bool lines_open(LineReader **out, const char *path, Err *err)
{
    *out = NULL;
    bool standard = strcmp(path, "-") == 0;
    if (!standard && file_is_dir(path)) {
        err_set(err, ERR_INPUT, "%s is a directory, a file of rows is needed", path);
        return err_hint(err, "name a .jsonl file inside it");
    }
    FILE *f = standard ? NULL : fopen(path, "rb");
    if (!standard && !f)
        return file_failed(path, err);
    LineReader *r = mem_zalloc(1, sizeof *r);
    r->path = mem_str(standard ? "standard input" : path);
    unsigned char magic[4] = {0};
    size_t got = f ? fread(magic, 1, 4, f) : 0;
    if (got == 4 && memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0) {
        rewind(f);
        r->file = f;
        r->zstd = ZSTD_createDStream();
        ZSTD_initDStream(r->zstd);
        r->in_bytes = mem_alloc(BLOCK, 1);
        r->in = (ZSTD_inBuffer){r->in_bytes, 0, 0};
    } else {
        if (f)
            fclose(f);
        r->gz = standard ? gzdopen(dup(STDIN_FILENO), "rb") : gzopen(path, "rb");
        if (!r->gz) {
            lines_close(r);
            return err_set(err, ERR_IO, "%s: cannot be opened", path);
        }
    }
    *out = r;
    return true;
}

static bool broken(const LineReader *r, const char *why, Err *err)
{
    if (str_starts(why, r->path)) /* zlib says it, too */
        why += strlen(r->path) + strlen(": ");
    err_set(err, ERR_INPUT, "%s: broken after line %d: %s", r->path, r->line, why);
    return err_hint(err, "the file is cut short or damaged: compress or download it again");
}

/* Decodes up to BLOCK more bytes to the end of buf. */
static bool fill(LineReader *r, Err *err)
{
    if (r->at > 0) {
        memmove(r->buf, r->buf + r->at, r->n - r->at);
        r->n -= r->at;
        r->at = 0;
    }
    if (r->n > LONGEST_LINE)
        return err_set(err, ERR_INPUT, "%s:%d: the line is longer than 64 MB", r->path, r->line + 1),
               err_hint(err, "a row is a JSON object on a line of its own");
    if (r->cap - r->n < BLOCK) {
        r->cap = r->cap * 2 + BLOCK;
        r->buf = mem_resize(r->buf, r->cap, 1);
    }
    if (r->gz) {
        int k = gzread(r->gz, r->buf + r->n, BLOCK);
        int code = Z_OK;
        const char *why = gzerror(r->gz, &code);
        if (k < 0 || (code != Z_OK && code != Z_STREAM_END))
            return broken(r, why, err);
        r->n += (size_t)k;
        r->ended = k == 0;
        return true;
    }
    ZSTD_outBuffer o = {r->buf + r->n, BLOCK, 0};
    while (o.pos == 0 && !r->ended) {
        if (r->in.pos == r->in.size) {
            r->in.size = fread(r->in_bytes, 1, BLOCK, r->file);
            r->in.pos = 0;
            if (r->in.size == 0) {
                if (r->frame_open)
                    return broken(r, "it ends in the middle of its compressed data", err);
                r->ended = true;
                break;
            }
        }
        size_t left = ZSTD_decompressStream(r->zstd, &o, &r->in);
        if (ZSTD_isError(left))
            return broken(r, ZSTD_getErrorName(left), err);
        r->frame_open = left != 0;
    }
    r->n += o.pos;
    return true;
}

bool lines_next(LineReader *r, const char **line, size_t *n, bool *more, Err *err)
{
    *more = false;
    size_t searched = 0;
    for (;;) {
        char *start = r->buf + r->at;
        char *end = r->n > r->at ? memchr(start + searched, '\n', r->n - r->at - searched) : NULL;
        if (!end && !r->ended) {
            searched = r->n - r->at;
            if (!fill(r, err))
                return false;
            continue;
        }
        if (!end && r->n == r->at)
            return true;
        size_t length = end ? (size_t)(end - start) : r->n - r->at;
        r->at += length + (end ? 1 : 0);
        if (length && start[length - 1] == '\r')
            length--;
        r->line++;
        *line = start;
        *n = length;
        *more = true;
        return true;
    }
}

int lines_number(const LineReader *r)
{
    return r->line;
}

void lines_close(LineReader *r)
{
    if (!r)
        return;
    if (r->gz)
        gzclose(r->gz);
    if (r->file)
        fclose(r->file);
    ZSTD_freeDStream(r->zstd);
    free(r->in_bytes);
    free(r->buf);
    free(r->path);
    free(r);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

struct TextWriter {
    NewFile new; /* fd -1: standard output */
    FILE *file;  /* plain and zstd: over a copy of the new file's descriptor */
    gzFile gz;   /* the same for gzip */
    ZSTD_CStream *zstd;
};

static bool is_standard(const TextWriter *w)
{
    return w->new.fd < 0;
}

static bool writer_failed(const TextWriter *w, Err *err)
{
    return file_failed(is_standard(w) ? "standard output" : w->new.path, err);
}

bool text_open(TextWriter **out, const char *path, Err *err)
{
    *out = NULL;
    TextWriter *w = mem_zalloc(1, sizeof *w);
    w->new.fd = -1;
    if (!path || strcmp(path, "-") == 0) {
        w->file = stdout;
        *out = w;
        return true;
    }
    if (!new_file_open(&w->new, path, err)) {
        free(w);
        return false;
    }
    int copy = dup(w->new.fd); /* the original holds the lock to the end */
    if (str_ends(path, ".gz"))
        w->gz = gzdopen(copy, "wb");
    else
        w->file = fdopen(copy, "wb");
    if (str_ends(path, ".zst"))
        w->zstd = ZSTD_createCStream();
    if (!w->gz && !w->file) {
        writer_failed(w, err);
        close(copy);
        text_discard(w);
        return false;
    }
    *out = w;
    return true;
}

static bool zstd_write(TextWriter *w, const char *text, size_t n, ZSTD_EndDirective end)
{
    char block[BLOCK];
    ZSTD_inBuffer in = {text, n, 0};
    for (;;) {
        ZSTD_outBuffer o = {block, sizeof block, 0};
        size_t left = ZSTD_compressStream2(w->zstd, &o, &in, end);
        if (ZSTD_isError(left) || fwrite(block, 1, o.pos, w->file) != o.pos)
            return false;
        if (end == ZSTD_e_end ? left == 0 : in.pos == in.size)
            return true;
    }
}

bool text_write(TextWriter *w, const char *text, size_t n, Err *err)
{
    errno = 0;
    bool ok = w->zstd ? zstd_write(w, text, n, ZSTD_e_continue)
              : w->gz ? n == 0 || gzwrite(w->gz, text, (unsigned int)n) == (int)n
                      : fwrite(text, 1, n, w->file) == n;
    return ok || writer_failed(w, err);
}

bool text_close(TextWriter *w, Err *err)
{
    errno = 0;
    bool ok = !w->zstd || zstd_write(w, "", 0, ZSTD_e_end);
    if (w->gz)
        ok = gzclose(w->gz) == Z_OK && ok;
    if (w->file)
        ok = (is_standard(w) ? fflush(w->file) : fclose(w->file)) == 0 && ok;
    w->gz = NULL;
    w->file = NULL;
    if (!ok)
        writer_failed(w, err);
    else if (!is_standard(w))
        ok = new_file_keep(&w->new, err);
    text_discard(w);
    return ok;
}

void text_discard(TextWriter *w)
{
    if (!w)
        return;
    if (w->gz)
        gzclose(w->gz);
    if (w->file && !is_standard(w))
        fclose(w->file);
    new_file_drop(&w->new);
    ZSTD_freeCStream(w->zstd);
    free(w);
}
