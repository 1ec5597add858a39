/* Kinds of files by their first bytes. */
#include "base/kind.h"

#include "base/err.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>

const char kind_rows_remedy[] = "write it as JSON Lines, an object on a line: for instance by "
                                "pandas.DataFrame.to_json(OUT, orient=\"records\", lines=True)";
static const char unpack[] = "unpack it first", meant[] = "name the file that is meant";

/* What begins with these bytes. remedy NULL: that of whoever asks. */
static const struct {
    const char *bytes;
    size_t n;
    const char *name, *remedy;
} magic[] = {
    {"PAR1", 4, "a Parquet file", NULL},
    {"ARROW1", 6, "an Arrow file (Feather)", NULL},
    {"FEA1", 4, "a Feather file", NULL},
    {"Obj\x01", 4, "an Avro file", NULL},
    {"ORC", 3, "an ORC file", NULL},
    {"\x89HDF", 4, "an HDF5 file", NULL},
    {"\x93NUMPY", 6, "a NumPy array", NULL},
    {"\x80\x02", 2, "a Python pickle", NULL},
    {"\x80\x03", 2, "a Python pickle", NULL},
    {"\x80\x04", 2, "a Python pickle", NULL},
    {"\x80\x05", 2, "a Python pickle", NULL},
    {"SQLite format 3", 15, "an SQLite database", NULL},
    {"PK\x03\x04", 4, "a ZIP archive, as workbooks of spreadsheets (.xlsx) are too", "unpack it, or export it"},
    {"\xd0\xcf\x11\xe0", 4, "a document of an office program", "export it from there"},
    {"%PDF", 4, "a PDF document", meant},
    {"GGUF", 4, "a model (GGUF)", meant},
    {"\x1f\x8b", 2, "compressed by gzip", unpack},
    {"\x28\xb5\x2f\xfd", 4, "compressed by zstd", unpack},
    {"BZh", 3, "compressed by bzip2", unpack},
    {"\xfd"
     "7zXZ",
     5, "compressed by xz", unpack},
    {"\x04\x22\x4d\x18", 4, "compressed by lz4", unpack},
    {"7z\xbc\xaf", 4, "a 7z archive", unpack},
    {"version https://git-lfs", 23, "a pointer of Git LFS, not the file itself", "fetch the file itself: git lfs pull"},
};

/* UTF-16 and UTF-32 with and without their mark; the latter by where zeros stand in the first eight bytes. */
static const char *wide_text(const unsigned char *b, size_t n)
{
    static const char utf16[] = "text in UTF-16, not UTF-8", utf32[] = "text in UTF-32, not UTF-8";
    if (n >= 4 && (memcmp(b, "\xff\xfe\0\0", 4) == 0 || memcmp(b, "\0\0\xfe\xff", 4) == 0))
        return utf32;
    if (n >= 2 && (memcmp(b, "\xff\xfe", 2) == 0 || memcmp(b, "\xfe\xff", 2) == 0))
        return utf16;
    unsigned int zeros = 0;
    for (size_t i = 0; i < 8 && n >= 8; i++)
        zeros = zeros << 1 | (b[i] == 0);
    return zeros == 0x77 || zeros == 0xee ? utf32 : zeros == 0x55 || zeros == 0xaa ? utf16 : NULL;
}

/* The name, and what to do where that is known; NULL: of no known kind. */
static const char *name_of(const unsigned char *b, size_t n, const char **remedy)
{
    const char *wide = wide_text(b, n);
    *remedy = "write it as UTF-8: iconv -f UTF-16 -t UTF-8 IN > OUT, or from UTF-32";
    if (wide)
        return wide;
    for (int i = 0; i < COUNT(magic); i++)
        if (n >= magic[i].n && memcmp(b, magic[i].bytes, magic[i].n) == 0) {
            *remedy = magic[i].remedy;
            return magic[i].name;
        }
    *remedy = NULL;
    if (n >= 8 && memcmp(b, "\xff\xff\xff\xff", 4) == 0 && b[6] == 0 && b[7] == 0) /* then a length */
        return "a stream of Arrow";
    *remedy = unpack;
    return n > 262 && memcmp(b + 257, "ustar", 5) == 0 ? "a tar archive" : NULL;
}

bool kind_check(const char *where, const void *head, size_t n, const char *needed, const char *remedy, Err *err)
{
    const char *known, *name = name_of(head, n, &known);
    if (!name)
        return true;
    err_set(err, ERR_INPUT, "%s is %s: %s", where, name, needed);
    return err_hint(err, "%s", known ? known : remedy);
}

static size_t count(const char *text, size_t n, char c)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        k += text[i] == c;
    return k;
}

/* Names between commas, semicolons or tabs. */
static const char *table_of(const char *text, size_t line)
{
    static const struct {
        char between;
        const char *name;
    } tables[] = {{'\t', "a table with tabs (TSV)"}, {',', "a table (CSV)"}, {';', "a table (CSV)"}};
    for (int i = 0; i < COUNT(tables); i++)
        if (count(text, line, tables[i].between) > 0)
            return tables[i].name;
    return NULL;
}

static size_t skip_blanks(const char *text, size_t at, size_t n)
{
    while (at < n && isspace((unsigned char)text[at]))
        at++;
    return at;
}

bool kind_check_rows(const char *where, const char *text, size_t line, size_t n, Err *err)
{
    size_t at = skip_blanks(text, 0, line), next = skip_blanks(text, line, n);
    char first = at < line ? text[at] : 0;
    if (first == '[') {
        err_set(err, ERR_INPUT, "%s is one JSON array: rows are needed, a JSON object on a line each", where);
        return err_hint(err, "write its objects each on a line: jq -c '.[]' IN > OUT");
    }
    if (first == '{' && next < n && text[next] != '{') {
        err_set(err, ERR_INPUT, "%s is JSON over several lines: rows are needed, a JSON object on a line each", where);
        return err_hint(err, "write every object on a line of its own: jq -c . IN > OUT");
    }
    if (first == '<') {
        err_set(err, ERR_INPUT, "%s is a page of HTML or XML: rows are needed, a JSON object on a line each", where);
        return err_hint(err, "look at it: it may say why a download failed");
    }
    return true;
}

const char *kind_of_line(const char *line, size_t n)
{
    size_t at = skip_blanks(line, 0, n);
    if (at == n || strchr("{}[]", line[at]))
        return NULL;
    return table_of(line, n);
}
