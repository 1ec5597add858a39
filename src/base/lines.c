/* Lines decoded as they are asked for, and text that is compressed as it is written. */
#include "base/lines.h"

#include "base/file.h"
#include "base/input.h"
#include "base/kind.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 1 << 16, LONGEST_LINE = 64 << 20 };

struct LineReader {
    Input *input;
    char *buf; /* decoded text not yet given out: buf[at, n) */
    size_t at, n, cap;
    int line;
    bool ended;
};

bool lines_open(LineReader **out, const char *path, Err *err)
{
    *out = NULL;
    if (strcmp(path, "-") != 0 && file_is_dir(path)) {
        err_set(err, ERR_INPUT, "%s is a directory, a file of rows is needed", path);
        return err_hint(err, "name a .jsonl file inside it");
    }
    Input *input;
    if (!input_open(&input, path, err))
        return false;
    *out = mem_zalloc(1, sizeof **out);
    (*out)->input = input;
    return true;
}

/* Decodes up to BLOCK more bytes to the end of buf. */
static bool fill(LineReader *r, Err *err)
{
    const char *name = input_name(r->input);
    if (r->at > 0) {
        memmove(r->buf, r->buf + r->at, r->n - r->at);
        r->n -= r->at;
        r->at = 0;
    }
    if (r->n > LONGEST_LINE)
        return err_set(err, ERR_INPUT, "%s:%d: the line is longer than 64 MB", name, r->line + 1),
               err_hint(err, "a row is a JSON object on a line of its own");
    if (r->cap - r->n < BLOCK) {
        r->cap = r->cap * 2 + BLOCK;
        r->buf = mem_resize(r->buf, r->cap, 1);
    }
    size_t got;
    if (!input_read(r->input, r->buf + r->n, BLOCK, &got, err)) {
        if (err->code == ERR_INPUT && !str_starts(err->msg, name)) {
            err_context(err, "%s: broken after line %d", name, r->line);
            err_hint(err, "the file is cut short or damaged: compress or download it again");
        }
        return false;
    }
    bool begins = r->line == 0 && r->n == 0;
    r->n += got;
    r->ended = got == 0;
    return !begins ||
           kind_check(name, r->buf, r->n, "rows are needed, a JSON object on a line each", kind_rows_remedy, err);
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

size_t lines_ahead(const LineReader *r, const char *line)
{
    return (size_t)(r->buf + r->n - line);
}

int lines_number(const LineReader *r)
{
    return r->line;
}

void lines_close(LineReader *r)
{
    if (!r)
        return;
    input_close(r->input);
    free(r->buf);
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
    return err_system(err, is_standard(w) ? "standard output" : w->new.path);
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
    if (copy >= 0 && str_ends(path, ".gz"))
        w->gz = gzdopen(copy, "wb");
    else if (copy >= 0)
        w->file = fdopen(copy, "wb");
    if (!w->gz && !w->file) {
        writer_failed(w, err);
        if (copy >= 0)
            close(copy);
        text_discard(w);
        return false;
    }
    if (str_ends(path, ".zst"))
        w->zstd = ZSTD_createCStream();
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
