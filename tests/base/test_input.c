/* Inputs that can be read but once: pipes, FIFOs, standard input, whole and in small pieces, plain and compressed; and what
 * is wrong with compressed data. */
#include "support.h"

#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROWS = 3000, WRITES = 300 };

/* A pipe that another process writes n bytes into, `step` at a time; path is "/dev/fd/N". */
typedef struct Pipe {
    char path[40];
    int fd;
    pid_t writer;
} Pipe;

static Pipe pipe_of(const char *bytes, size_t n, size_t step)
{
    int end[2];
    Pipe p;
    assert_int_equal(pipe(end), 0);
    p.writer = fork();
    if (p.writer == 0) {
        close(end[0]);
        for (size_t at = 0; at < n; at += step)
            if (write(end[1], bytes + at, n - at < step ? n - at : step) < 0)
                break;
        _exit(0);
    }
    close(end[1]);
    p.fd = end[0];
    snprintf(p.path, sizeof p.path, "/dev/fd/%d", p.fd);
    return p;
}

static void pipe_end(Pipe *p)
{
    close(p->fd);
    waitpid(p->writer, NULL, 0);
}

/* How many of the rows "0", "1", ... come, and what is said in the end. */
static int count_rows(const char *path, Err *err)
{
    LineReader *r;
    const char *line;
    size_t n;
    bool more = true;
    int rows = 0;
    if (!lines_open(&r, path, err))
        return -1;
    while (lines_next(r, &line, &n, &more, err) && more) {
        char wanted[12], *got = mem_strn(line, n);
        snprintf(wanted, sizeof wanted, "%d", rows++);
        assert_string_equal(got, wanted);
        free(got);
    }
    lines_close(r);
    return rows;
}

/* The rows first .. end-1 as a file of a kind, by its name. The caller frees *bytes. */
static void rows_as(const char *name, int first, int end, char **bytes, size_t *n)
{
    Err err = {0};
    TextWriter *w;
    char *path = path_join(test_folder, name), line[12];
    need_ok(text_open(&w, path, &err), &err);
    for (int i = first; i < end; i++)
        need_ok(text_write(w, line, (size_t)snprintf(line, sizeof line, "%d\n", i), &err), &err);
    need_ok(text_close(w, &err), &err);
    need_ok(file_read(path, 1 << 20, bytes, n, &err), &err);
    free(path);
}

static const char *const kinds[] = {"rows.txt", "rows.gz", "rows.zst"};

static void every_row_of_a_pipe(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(kinds); i++) {
        char *bytes;
        size_t n;
        rows_as(kinds[i], 0, ROWS, &bytes, &n);
        const size_t steps[] = {1 << 20, 4096, n / WRITES + 1};
        for (int k = 0; k < COUNT(steps); k++) {
            Err err = {0};
            Pipe p = pipe_of(bytes, n, steps[k]);
            assert_int_equal(count_rows(p.path, &err), ROWS);
            need_ok(err.code == ERR_NONE, &err);
            pipe_end(&p);
        }
        free(bytes);
    }
}

static void every_row_of_standard_input(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(kinds); i++) {
        for (int k = 0; k < 2; k++) {
            static const char *const names[] = {"-", "/dev/stdin"};
            Err err = {0};
            char *bytes;
            size_t n;
            rows_as(kinds[i], 0, ROWS, &bytes, &n);
            Pipe p = pipe_of(bytes, n, 5000);
            int before = dup(STDIN_FILENO);
            dup2(p.fd, STDIN_FILENO);
            int rows = count_rows(names[k], &err);
            dup2(before, STDIN_FILENO);
            close(before);
            assert_int_equal(rows, ROWS);
            need_ok(err.code == ERR_NONE, &err);
            pipe_end(&p);
            free(bytes);
        }
    }
}

/* A FIFO is opened once: with the first opening its writer is there, and with a second it would be gone. */
static void fifo(void **state)
{
    (void)state;
    Err err = {0};
    char *path = path_join(test_folder, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t writer = fork();
    if (writer == 0) {
        int fd = open(path, O_WRONLY);
        _exit(write(fd, "0\n1\n2\n", 6) != 6);
    }
    assert_int_equal(count_rows(path, &err), 3);
    need_ok(err.code == ERR_NONE, &err);
    waitpid(writer, NULL, 0);
    free(path);
}

/* Whole texts have no size before they are read, come in pieces, and can be asked for again. */
static void whole_from_a_pipe(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4096, 4097, 100000};
    for (int i = 0; i < COUNT(sizes); i++) {
        Err err = {0};
        size_t size = sizes[i], n;
        char *bytes = mem_alloc(size + 1, 1), *text;
        for (size_t k = 0; k < size; k++)
            bytes[k] = (char)('a' + k % 23);
        Pipe p = pipe_of(bytes, size, size / WRITES + 1);
        for (int again = 0; again < 2; again++) {
            need_ok(file_read(p.path, 100000, &text, &n, &err), &err);
            assert_true(n == size && memcmp(text, bytes, n) == 0 && text[n] == 0);
            free(text);
        }
        pipe_end(&p);
        p = pipe_of(bytes, size, 1 << 20);
        if (size > 0) {
            assert_false(file_read(p.path, size - 1, &text, &n, &err));
            says(err.msg, "larger than");
            assert_null(text);
        }
        pipe_end(&p);
        free(bytes);
    }
}

/* A mapping cannot be of a pipe, and does not wait for one. */
static void no_mapping(void **state)
{
    (void)state;
    Err err = {0};
    FileMap map;
    char *path = path_join(test_folder, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(file_map(path, &map, &err));
    says(err.msg, "is a pipe or a device");
    says(err.hint, "write it to a file first");
    free(path);
}

/* --- compressed data -------------------------------------------------------------------------------------- */

/* What is said of these bytes, of which at most `most` rows can be read. */
static void is_broken(const Str *bytes, int most, const char *words)
{
    Err err = {0};
    Pipe p = pipe_of(bytes->text, bytes->n, 1 << 20);
    assert_in_range(count_rows(p.path, &err), 0, most);
    assert_int_equal(err.code, ERR_INPUT);
    says(err.msg, words);
    says(err.hint, "compress or download it again");
    pipe_end(&p);
}

static void pieces_and_what_stands_between(void **state)
{
    (void)state;
    for (int i = 1; i < COUNT(kinds); i++) {
        char *half[2];
        size_t n[2];
        rows_as(kinds[i], 0, 10, &half[0], &n[0]);
        rows_as(kinds[i], 10, 20, &half[1], &n[1]);
        Err err = {0};
        Str s = {0};
        if (i == 2) /* a frame to be skipped, as some writers of zstd begin */
            str_addn(&s, "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
        str_addn(&s, half[0], n[0]);
        str_addn(&s, half[1], n[1]);
        if (i == 1) /* padding, as tapes and some writers of gzip leave it */
            str_addn(&s, "\0\0\0\0\0", 5);
        Pipe p = pipe_of(s.text, s.n, 7);
        assert_int_equal(count_rows(p.path, &err), 20);
        need_ok(err.code == ERR_NONE, &err);
        pipe_end(&p);

        str_add(&s, "20\n21\n"); /* rows that are not compressed are not lost without a word */
        is_broken(&s, 20, "damaged, or something else follows it");
        str_clear(&s);
        str_addn(&s, half[0], n[0]);
        str_addn(&s, half[1], 6);
        is_broken(&s, 10, "ends in the middle of its compressed data");
        str_clear(&s);
        str_addn(&s, half[0], n[0] - 3);
        is_broken(&s, 10, "ends in the middle of its compressed data");
        str_release(&s);
        free(half[0]), free(half[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_row_of_a_pipe),
        IN_FOLDER(every_row_of_standard_input),
        IN_FOLDER(fifo),
        IN_FOLDER(whole_from_a_pipe),
        IN_FOLDER(no_mapping),
        IN_FOLDER(pieces_and_what_stands_between),
    };
    return cmocka_run_group_tests_name("input", tests, NULL, NULL);
}
