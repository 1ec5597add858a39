/* Files: whole ones, compressed lines, writing that appears at once, directories. */
#include "support.h"

#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *path, const char *text, size_t n)
{
    Err err = {0};
    need_ok(file_write(path, text, n, &err), &err);
}

/* A failure with this code, and these words in its sentence and hint; forgets it. */
static void failed(bool ok, Err *err, ErrCode code, const char *msg, const char *hint)
{
    if (ok || err->code != code || !strstr(err->msg, msg) || !strstr(err->hint, hint))
        fail_msg("%d, %d \"%s\" (%s), not \"%s\" (%s)", ok, (int)err->code, err->msg, err->hint, msg, hint);
    err_clear(err);
}

static int entries(void)
{
    Err err = {0};
    char **names;
    int n;
    need_ok(dir_list(test_folder, &names, &n, &err), &err);
    names_free(names, n);
    return n;
}

/* --- whole files -------------------------------------------------------------------------------------------------- */

static void whole_files(void **state)
{
    (void)state;
    Err err = {0};
    char *path = path_join(test_folder, "a"), *text;
    size_t n;
    put(path, "x\0y\n", 4);
    need_ok(file_read(path, 4, &text, &n, &err), &err);
    assert_true(n == 4 && memcmp(text, "x\0y\n", 5) == 0);
    free(text);
    put(path, "", 0);
    need_ok(file_read(path, 0, &text, &n, &err), &err);
    assert_true(n == 0 && text[0] == 0);
    free(text);
    assert_int_equal(entries(), 1); /* no temporary file is left */

    put(path, "12345", 5);
    failed(file_read(path, 4, &text, &n, &err), &err, ERR_INPUT, "larger than 4 bytes", "");
    assert_null(text);
    failed(file_read(test_folder, 4, &text, &n, &err), &err, ERR_INPUT, "is a directory", "name a file inside it");
    char *none = path_join(test_folder, "none");
    failed(file_read(none, 4, &text, &n, &err), &err, ERR_INPUT, "No such file", "check the name");
    char *under = path_join(path, "b");
    failed(file_read(under, 4, &text, &n, &err), &err, ERR_INPUT, "Not a directory", "");
    failed(file_write(under, "x", 1, &err), &err, ERR_INPUT, "is a file, not a directory", "another output");
    failed(file_write(test_folder, "x", 1, &err), &err, ERR_INPUT, "Is a directory", "");
    assert_int_equal(entries(), 1);
    failed(file_write("/dev/full/x", "x", 1, &err), &err, ERR_INPUT, "", "");
    free(path), free(none), free(under);
}

/* Whoever has the old file open goes on reading the old file: the new one is another, put in its place. */
static void replaced_at_once(void **state)
{
    (void)state;
    Err err = {0};
    char *path = path_join(test_folder, "a"), bytes[4] = "";
    put(path, "old", 3);
    FILE *old = fopen(path, "rb");
    FileMap map;
    need_ok(file_map(path, &map, &err), &err);
    put(path, "new, and longer", 15);
    assert_int_equal(fread(bytes, 1, sizeof bytes, old), 3);
    assert_true(memcmp(bytes, "old", 3) == 0 && memcmp(map.bytes, "old", 3) == 0);
    fclose(old);
    file_unmap(&map);
    free(path);
}

static void need_text(const char *path, const char *text)
{
    Err err = {0};
    char *found;
    size_t n;
    need_ok(file_read(path, 1000, &found, &n, &err), &err);
    assert_string_equal(found, text);
    free(found);
}

/* While one writes a file nobody else does; what a kill left of a writer is in nobody's way. */
static void one_writer(void **state)
{
    (void)state;
    Err err = {0};
    TextWriter *w, *other;
    char *path = path_join(test_folder, "a"), *left = path_join(test_folder, "a.tmp");
    need_ok(text_open(&w, path, &err), &err);
    failed(text_open(&other, path, &err), &err, ERR_BUSY, "another rlaif is writing it", "wait for it");
    failed(file_write(path, "x", 1, &err), &err, ERR_BUSY, "another rlaif is writing it", "wait for it");
    need_ok(text_write(w, "first", 5, &err) && text_close(w, &err), &err);
    need_text(path, "first");
    put(left, "longer than what comes", 22);
    put(path, "second", 6);
    need_text(path, "second");
    assert_int_equal(entries(), 1);
    free(left);
    free(path);
}

/* A link stays one, and a pipe a pipe. */
static void written_through(void **state)
{
    (void)state;
    char *path = path_join(test_folder, "a"), *link = path_join(test_folder, "link"),
         *pipe = path_join(test_folder, "pipe"), c = 0;
    struct stat st;
    put(path, "old", 3);
    assert_int_equal(symlink("a", link), 0);
    put(link, "new", 3);
    need_text(path, "new");
    assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
    assert_int_equal(mkfifo(pipe, 0600), 0);
    int end = open(pipe, O_RDONLY | O_NONBLOCK);
    put(pipe, "x", 1);
    assert_true(read(end, &c, 1) == 1 && c == 'x' && file_is_special(pipe));
    close(end);
    assert_int_equal(entries(), 3);
    free(pipe);
    free(link);
    free(path);
}

static void mappings(void **state)
{
    (void)state;
    Err err = {0};
    FileMap map;
    char *path = path_join(test_folder, "a");
    put(path, "hello", 5);
    need_ok(file_map(path, &map, &err), &err);
    assert_true(map.n == 5 && memcmp(map.bytes, "hello", 5) == 0);
    file_forget(&map, map.bytes, map.n);
    assert_true(map.bytes[4] == 'o'); /* forgotten bytes are read again */
    file_unmap(&map);
    assert_true(!map.bytes && map.n == 0);
    file_unmap(&map);
    put(path, "", 0);
    need_ok(file_map(path, &map, &err), &err);
    assert_int_equal(map.n, 0);
    file_unmap(&map);
    failed(file_map(test_folder, &map, &err), &err, ERR_INPUT, "is a directory", "");
    free(path);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

/* Rows of very different lengths: number i has i^2 % 5000 letters, and its number. */
static void row(Str *s, int i)
{
    str_clear(s);
    str_addf(s, "%d:", i);
    for (int k = 0; k < i * i % 5000; k++)
        str_addc(s, (char)('a' + k % 7));
}

static void write_rows(const char *path, int n)
{
    Err err = {0};
    Str s = {0};
    TextWriter *w;
    need_ok(text_open(&w, path, &err), &err);
    assert_false(file_exists(path)); /* it appears when it is closed */
    for (int i = 0; i < n; i++) {
        row(&s, i);
        str_addc(&s, '\n');
        need_ok(text_write(w, s.text, s.n, &err) && text_write(w, "", 0, &err), &err);
    }
    need_ok(text_close(w, &err), &err);
    str_release(&s);
}

/* Reads rows as they were written; returns how many, with *ok what lines_next said last. */
static int read_rows(const char *path, Err *err)
{
    LineReader *r;
    const char *line;
    size_t length;
    bool more = true;
    int n = 0;
    Str s = {0};
    need_ok(lines_open(&r, path, err), err);
    while (lines_next(r, &line, &length, &more, err) && more) {
        row(&s, n++);
        assert_int_equal(lines_number(r), n);
        assert_true(length == s.n && memcmp(line, s.text, s.n) == 0);
    }
    lines_close(r);
    str_release(&s);
    return n;
}

static const char *const kinds[] = {"rows.txt", "rows.gz", "rows.zst"};

static void lines(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(kinds); i++) {
        Err err = {0};
        char *path = path_join(test_folder, kinds[i]), *other = path_join(test_folder, "other");
        write_rows(path, 300);
        assert_int_equal(read_rows(path, &err), 300);
        need_ok(err.code == ERR_NONE, &err);
        assert_int_equal(entries(), 1);
        assert_true(rename(path, other) == 0); /* the kind is known by content */
        assert_int_equal(read_rows(other, &err), 300);
        remove(other);
        write_rows(path, 0);
        assert_int_equal(read_rows(path, &err), 0);
        need_ok(err.code == ERR_NONE, &err);
        remove(path);
        free(path), free(other);
    }
}

/* Text that compresses to almost nothing: much comes out of the last bytes read. */
static void much_from_little(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(kinds); i++) {
        for (int size = 1000; size < 3000000; size = size * 2 + 311) {
            Err err = {0};
            char *path = path_join(test_folder, kinds[i]), *text = mem_alloc((size_t)size, 1);
            memset(text, 'x', (size_t)size);
            text[size / 3] = '\n';
            TextWriter *w;
            need_ok(text_open(&w, path, &err) && text_write(w, text, (size_t)size, &err) && text_close(w, &err), &err);
            LineReader *r;
            const char *line;
            size_t n;
            bool more;
            need_ok(lines_open(&r, path, &err) && lines_next(r, &line, &n, &more, &err), &err);
            assert_true(more && n == (size_t)size / 3);
            need_ok(lines_next(r, &line, &n, &more, &err), &err);
            assert_true(more && n == (size_t)(size - size / 3 - 1));
            need_ok(lines_next(r, &line, &n, &more, &err), &err);
            assert_false(more);
            lines_close(r);
            remove(path);
            free(path), free(text);
        }
    }
}

/* A zstd frame of 13 bytes that holds 100000 letters in one block: all of it is read before half of it is given out. */
static void one_large_block(void **state)
{
    (void)state;
    enum { SIZE = 100000, BLOCK = SIZE << 3 | 1 << 1 | 1 }; /* repeated byte, last block */
    const unsigned char frame[] = {
        0x28,        0xb5, 0x2f, 0xfd, 0xa0, SIZE & 255, SIZE >> 8 & 255, SIZE >> 16, 0, BLOCK & 255, BLOCK >> 8 & 255,
        BLOCK >> 16, 'x'};
    Err err = {0};
    char *path = path_join(test_folder, "a.zst");
    put(path, (const char *)frame, sizeof frame);
    LineReader *r;
    const char *line;
    size_t n;
    bool more;
    need_ok(lines_open(&r, path, &err) && lines_next(r, &line, &n, &more, &err), &err);
    assert_true(more && n == SIZE && line[SIZE - 1] == 'x');
    need_ok(lines_next(r, &line, &n, &more, &err), &err);
    assert_false(more);
    lines_close(r);
    free(path);
}

/* Both compressions may be several pieces one after the other, as `cat a.gz b.gz` makes them. */
static void pieces(void **state)
{
    (void)state;
    for (int i = 0; i < COUNT(kinds); i++) {
        Err err = {0};
        char *path = path_join(test_folder, kinds[i]), *text;
        size_t n;
        TextWriter *w;
        need_ok(text_open(&w, path, &err) && text_write(w, "a\nb", 3, &err) && text_close(w, &err), &err);
        need_ok(file_read(path, 1000, &text, &n, &err), &err);
        text = mem_resize(text, 2 * n, 1);
        memcpy(text + n, text, n);
        put(path, text, 2 * n);
        LineReader *r;
        const char *line, *const wanted[] = {"a", "ba", "b"};
        bool more;
        need_ok(lines_open(&r, path, &err), &err);
        for (int k = 0; k < 3; k++) {
            need_ok(lines_next(r, &line, &n, &more, &err), &err);
            assert_true(more && n == strlen(wanted[k]) && memcmp(line, wanted[k], n) == 0);
        }
        need_ok(lines_next(r, &line, &n, &more, &err), &err);
        assert_false(more);
        lines_close(r);
        free(text), free(path);
    }
}

/* Ends of lines: CR LF, none at the end, empty ones, NULs inside. */
static void ends(void **state)
{
    (void)state;
    static const char text[] = "a\r\n\r\n\nb\0c\n\rd\r";
    static const struct {
        const char *bytes;
        size_t n;
    } wanted[] = {{"a", 1}, {"", 0}, {"", 0}, {"b\0c", 3}, {"\rd", 2}};
    Err err = {0};
    char *path = path_join(test_folder, "a");
    put(path, text, sizeof text - 1);
    LineReader *r;
    const char *line;
    size_t n;
    bool more;
    need_ok(lines_open(&r, path, &err), &err);
    for (int i = 0; i < COUNT(wanted); i++) {
        need_ok(lines_next(r, &line, &n, &more, &err), &err);
        assert_true(more && n == wanted[i].n && memcmp(line, wanted[i].bytes, n) == 0);
    }
    for (int i = 0; i < 2; i++) {
        need_ok(lines_next(r, &line, &n, &more, &err), &err);
        assert_false(more);
    }
    lines_close(r);
    lines_close(NULL);
    free(path);
}

/* Cut anywhere, a compressed file is an error and never fewer rows; so is one with flipped bytes in its middle. */
static void broken_files(void **state)
{
    (void)state;
    for (int i = 1; i < COUNT(kinds); i++) {
        Err err = {0};
        char *path = path_join(test_folder, kinds[i]), *text;
        size_t n;
        write_rows(path, 100);
        need_ok(file_read(path, (size_t)1 << 20, &text, &n, &err), &err);
        for (size_t cut = 4; cut < n; cut += 1 + n / 60) {
            put(path, text, cut);
            read_rows(path, &err);
            if (err.code != ERR_INPUT || !strstr(err.msg, path))
                fail_msg("%s, %zu of %zu bytes: \"%s\"", kinds[i], cut, n, err.msg);
            err_clear(&err);
        }
        free(text), free(path);
    }
}

static void refusals(void **state)
{
    (void)state;
    Err err = {0};
    LineReader *r;
    TextWriter *w;
    failed(lines_open(&r, test_folder, &err), &err, ERR_INPUT, "is a directory", ".jsonl file inside it");
    assert_null(r);
    failed(lines_open(&r, "build/none/none", &err), &err, ERR_INPUT, "No such file", "check the name");
    failed(text_open(&w, test_folder, &err), &err, ERR_INPUT, "Is a directory", "");
    assert_null(w);
    failed(text_open(&w, "build/none/none", &err), &err, ERR_INPUT, "build/none is not there", "make it first");
    failed(text_open(&w, "build/none/none.gz", &err), &err, ERR_INPUT, "build/none is not there", "make it first");
    text_discard(NULL);

    for (int i = 0; i < COUNT(kinds); i++) { /* given up: what was there stays, and nothing else */
        char *path = path_join(test_folder, kinds[i]);
        put(path, "old", 3);
        need_ok(text_open(&w, path, &err) && text_write(w, "new", 3, &err), &err);
        text_discard(w);
        char *text;
        size_t n;
        need_ok(file_read(path, 10, &text, &n, &err), &err);
        assert_string_equal(text, "old");
        free(text), free(path);
    }
    assert_int_equal(entries(), COUNT(kinds));
}

/* --- directories -------------------------------------------------------------------------------------------------- */

static void directories(void **state)
{
    (void)state;
    Err err = {0};
    char *deep = path_join(test_folder, "a/b//c/"), *top = path_join(test_folder, "a"),
         *file = path_join(test_folder, "a/b/z");
    need_ok(dir_make(deep, &err) && dir_make(deep, &err) && dir_make("/", &err) && dir_make(".", &err), &err);
    assert_true(file_is_dir(deep) && file_exists(deep) && !file_is_dir(file) && !file_exists(file));
    put(file, "x", 1);
    failed(dir_make(file, &err), &err, ERR_INPUT, "a directory is needed", "name a directory");
    failed(dir_make("", &err), &err, ERR_INPUT, "No such file", "");
    char *under = path_join(file, "below");
    assert_false(dir_make(under, &err));
    err_clear(&err);
    char **names, *middle = path_join(test_folder, "a/b");
    int n;
    need_ok(dir_list(middle, &names, &n, &err) && dir_sync(middle, &err), &err);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "c");
    assert_string_equal(names[1], "z");
    names_free(names, n);
    need_ok(dir_remove(top, &err) && dir_remove(top, &err), &err);
    assert_int_equal(entries(), 0);
    failed(dir_list(top, &names, &n, &err), &err, ERR_INPUT, "No such file", "");
    failed(dir_sync(top, &err), &err, ERR_INPUT, "No such file", "");
    free(deep), free(top), free(file), free(under), free(middle);
}

/* Removing a directory removes links in it, not what they point to. */
static void links(void **state)
{
    (void)state;
    Err err = {0};
    char *kept = path_join(test_folder, "kept"), *inside = path_join(test_folder, "kept/row"),
         *gone = path_join(test_folder, "gone"), *link = path_join(test_folder, "gone/link");
    need_ok(dir_make(kept, &err) && dir_make(gone, &err), &err);
    put(inside, "x", 1);
    assert_true(symlink("../kept", link) == 0);
    need_ok(dir_remove(gone, &err), &err);
    assert_true(file_exists(inside) && !file_exists(gone));
    assert_true(symlink("kept", gone) == 0);
    need_ok(dir_remove(gone, &err), &err);
    assert_true(file_exists(inside) && !file_exists(gone));
    free(kept), free(inside), free(gone), free(link);
}

static void paths(void **state)
{
    (void)state;
    static const char *const row_of[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}, {"a/b", "c/d", "a/b/c/d"}};
    for (int i = 0; i < COUNT(row_of); i++) {
        char *joined = path_join(row_of[i][0], row_of[i][1]);
        assert_string_equal(joined, row_of[i][2]);
        free(joined);
    }
    static const char *const way[][3] = {{"deep/er", "deep/file", "../file"}, {"deep/er", "deep/er/file", "file"},
                                         {"deep/er", "other", "../../other"}, {"deep", "deeper", "../deeper"},
                                         {"", "deep/file", "deep/file"},      {"deep", "nowhere", "nowhere"}};
    Err err = {0};
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(test_folder), 0);
    need_ok(dir_make("deep/er", &err) && file_write("deep/file", "", 0, &err) &&
                file_write("deep/er/file", "", 0, &err) && file_write("deeper", "", 0, &err) &&
                file_write("other", "", 0, &err),
            &err);
    for (int i = 0; i < COUNT(way); i++) {
        char *from = path_from(way[i][0], way[i][1]);
        assert_string_equal(from, way[i][2]);
        free(from);
    }
    char *root = path_from("/", "/");
    assert_string_equal(root, "");
    free(root);
    assert_int_equal(chdir(here), 0);
    assert_string_equal(path_base("a/b.c"), "b.c");
    assert_string_equal(path_base("b.c"), "b.c");
    assert_string_equal(path_base("a/"), "");
    assert_true(disk_free(".") > 0 && disk_free("") > 0 && disk_free("/") > 0);
    assert_true(disk_free("none/at/all") > 0 && disk_free("/none/at/all") > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(whole_files),
        IN_FOLDER(replaced_at_once),
        IN_FOLDER(one_writer),
        IN_FOLDER(written_through),
        IN_FOLDER(mappings),
        IN_FOLDER(lines),
        IN_FOLDER(much_from_little),
        IN_FOLDER(one_large_block),
        IN_FOLDER(pieces),
        IN_FOLDER(ends),
        IN_FOLDER(broken_files),
        IN_FOLDER(refusals),
        IN_FOLDER(directories),
        IN_FOLDER(links),
        IN_FOLDER(paths),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
