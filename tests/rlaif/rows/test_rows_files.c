/* Files that are given as rows and are none: the message says what the file is and how it becomes rows. */
#include "rlaif/rows/rows.h"

#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"
#include "support.h"

#define ROW      "{\"prompt\": \"Hi\"}\n"
#define BYTES(s) s, sizeof s - 1

static const struct {
    const char *bytes;
    size_t n;
    const char *message, *remedy;
    bool one_line; /* only the line is bad: --skip-bad leaves it out */
} cases[] = {
    {BYTES("PAR1\x15\x04\x15\x10"), "is a Parquet file", "lines=True", false},
    {BYTES("ARROW1\0\0\xff\xff"), "is an Arrow file", "lines=True", false},
    {BYTES("\xff\xff\xff\xff\x10\x01\0\0"), "is a stream of Arrow", "lines=True", false},
    {BYTES("FEA1\0\0\0\0"), "is a Feather file", "lines=True", false},
    {BYTES("SQLite format 3\0\x10\0"), "is an SQLite database", "lines=True", false},
    {BYTES("PK\x03\x04\x14\0\x06\0"), ".xlsx", "unpack it, or export it", false},
    {BYTES("\x80\x04\x95\x10\0\0"), "is a Python pickle", "lines=True", false},
    {BYTES("BZh91AY&SY"), "compressed by bzip2", "unpack it first", false},
    {BYTES("\xfd\x37zXZ\0\0\x04"), "compressed by xz", "unpack it first", false},
    {BYTES("GGUF\x03\0\0\0\0"), "is a model", "", false},
    {BYTES("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "pointer of Git LFS", "git lfs pull", false},
    {BYTES("\xff\xfe{\0\"\0p\0"), "is text in UTF-16", "iconv -f UTF-16", false},
    {BYTES("\xfe\xff\0{\0\"\0p"), "is text in UTF-16", "iconv", false},
    {BYTES("{\0\"\0p\0r\0o\0m\0"), "is text in UTF-16", "iconv", false},
    {BYTES("\0{\0\"\0p\0r\0o\0m"), "is text in UTF-16", "iconv", false},
    {BYTES("\xff\xfe\0\0{\0\0\0\"\0\0\0"), "is text in UTF-32", "iconv", false},
    {BYTES("{\0\0\0\"\0\0\0p\0\0\0"), "is text in UTF-32", "iconv", false},
    {BYTES("\0\0\0{\0\0\0\"\0\0\0p"), "is text in UTF-32", "iconv", false},
    {BYTES("[{\"prompt\": \"Hi\"}, {\"prompt\": \"Ho\"}]\n"), "is one JSON array", "jq -c '.[]'", false},
    {BYTES("\n[\n" ROW ",\n" ROW "]\n"), "is one JSON array", "jq -c '.[]'", false},
    {BYTES("[\n  {\n    \"prompt\": \"Hi\"\n  }\n]"), "is one JSON array", "jq -c '.[]'", false},
    {BYTES("{\n  \"prompt\": \"Hi\"\n}\n" ROW), "is JSON over several lines", "jq -c .", false},
    {BYTES("<!DOCTYPE html>\n<html>\n"), "is a page of HTML", "download failed", false},
    {BYTES("prompt,chosen,rejected\nHi,a,b\n" ROW), ":1: no JSON object; the file seems to be a table (CSV)",
     "lines=True", true},
    {BYTES("\"prompt\";\"chosen\"\n\"Hi\";\"a\"\n" ROW), "a table (CSV)", "lines=True", true},
    {BYTES("prompt\tchosen\nHi\ta\n" ROW), "a table with tabs", "lines=True", true},
    {BYTES("Tell me.\n" ROW), ":1: column 4: no JSON, near 'Tell'", "--skip-bad", true},
    {BYTES("[1, 2]\n" ROW), ":1: a row must be a JSON object", "--skip-bad", true},
    {BYTES(ROW "[{\"prompt\": \"Ho\"}]\n"), ":2: a row must be a JSON object", "--skip-bad", true},
    {BYTES(ROW "{\n"), ":2: column 1: it ends too early", "--skip-bad", true},
    {BYTES("{\"prompt\": \"Hi\"},\n" ROW), ":1: column 17: something stands behind the end, near ','", "--skip-bad",
     true},
    {BYTES("{\"prompt\": \"a\\u0000b\"}\n" ROW), ":1: column 21: a text holds \\u0000", "--skip-bad", true},
    {BYTES(ROW "{\"prompt\": \"a\0b\"}\n"), ":2: column 13: a NUL byte", "--skip-bad", true},
    {BYTES(ROW "{\"prompt\": \"caf\xe9\"}\n"), ":2: column 15: bytes that are no UTF-8", "--skip-bad", true},
    {BYTES(ROW "{\"prompt\": \"\\ud83d\"}\n"), ":2: column 19: half a character", "--skip-bad", true},
    {BYTES(ROW "{\"prompt\": NaN}\n"), ":2: column 14: no JSON, near 'NaN'", "--skip-bad", true},
};

static bool reads(const char *path, bool skip_bad, int *rows, Err *err)
{
    Rows r;
    bool ok = rows_read(&r, path, 0, skip_bad, err);
    *rows = ok ? r.n : 0;
    if (ok)
        rows_release(&r);
    return ok;
}

static void other_kinds(void **state)
{
    (void)state;
    static const char *const names[] = {"rows.jsonl", "rows.gz", "rows.zst"};
    for (int i = 0; i < COUNT(cases); i++)
        for (int k = 0; k < COUNT(names); k++) {
            char *path = path_join(test_folder, names[k]);
            TextWriter *w;
            Err err = {0}, ours = {0};
            int rows;
            need_ok(text_open(&w, path, &err) && text_write(w, cases[i].bytes, cases[i].n, &err) && text_close(w, &err),
                    &err);
            assert_false(reads(path, false, &rows, &err));
            says(err.msg, path);
            says(err.msg, cases[i].message);
            says(err.hint, cases[i].remedy);
            int hidden = errors_hide();
            bool ok = reads(path, true, &rows, &ours);
            errors_show(hidden);
            assert_int_equal(ok, cases[i].one_line);
            assert_int_equal(rows, cases[i].one_line);
            remove(path);
            free(path);
        }
}

/* A byte order mark is no part of a row, wherever files were put together. */
static void byte_order_mark(void **state)
{
    (void)state;
    static const char *const texts[] = {"\xef\xbb\xbf" ROW "{\"prompt\": \"Ho\"}\n",
                                        ROW "\n\xef\xbb\xbf{\"prompt\": \"Ho\"}", "\xef\xbb\xbf\n" ROW "{}\n"};
    char *path = path_join(test_folder, "rows.gz");
    for (int i = 0; i < COUNT(texts); i++) {
        TextWriter *w;
        Err err = {0};
        int rows;
        need_ok(text_open(&w, path, &err) && text_write(w, texts[i], strlen(texts[i]), &err) && text_close(w, &err),
                &err);
        need_ok(reads(path, false, &rows, &err), &err);
        assert_int_equal(rows, 2);
    }
    Err err = {0};
    int rows;
    need_ok(file_write(path, "\xef\xbb\xbf", 3, &err), &err);
    assert_false(reads(path, false, &rows, &err));
    says(err.msg, "holds no rows");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(other_kinds),
        IN_FOLDER(byte_order_mark),
    };
    return cmocka_run_group_tests_name("rows_files", tests, NULL, NULL);
}
