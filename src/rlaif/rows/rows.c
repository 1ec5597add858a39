/* Rows of JSONL: reading, identity, and the shapes that they come in. */
#include "rlaif/rows/rows.h"

#include "base/kind.h"
#include "base/lines.h"
#include "base/log.h"
#include "base/mem.h"
#include "rlaif/rows/pairs.h"

/* --- reading -------------------------------------------------------------------------------------------- */

bool rows_pass_over(Rows *out, bool skip_bad, Err *err)
{
    if (err->code != ERR_INPUT)
        return false;
    if (!skip_bad)
        return err_hint(err, "mend the line, or leave such rows out with --skip-bad where the command has it");
    log_warn("%s; left out", err->msg);
    err_clear(err);
    out->skipped++;
    return true;
}

bool rows_are_left(const Rows *r, int n, Err *err)
{
    return n > 0 || (err_set(err, ERR_INPUT, "%s: no row can be used", r->path),
                     err_hint(err, "what is wrong with each is said above"));
}

/* Takes lines in one after the other. */
typedef struct Intake {
    Rows *out;
    int cap, limit;
    bool skip_bad, begun;
    json_t *contents, *ids;
} Intake;

static bool is_blank(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isspace((unsigned char)text[i]))
            return false;
    return true;
}

static bool parse_row(const char *path, int line, const char *text, size_t n, json_t **out, Err *err)
{
    char *where = mem_printf("%s:%d", path, line);
    bool ok = json_parse(text, n, where, out, err) &&
              (json_is_object(*out) || err_set(err, ERR_INPUT, "%s: a row must be a JSON object", where));
    free(where);
    return ok;
}

/* The first line is no row: is it that the file is of another kind altogether? Then no line is passed over. */
static bool check_file(const Intake *in, const Row *row, const char *text, size_t n, size_t ahead, Err *err)
{
    Err other = {0};
    const char *table = row->json ? NULL : kind_of_line(text, n);
    bool list = !row->json || json_is_object(json_array_get(row->json, 0));
    bool rows = !list || kind_check_rows(in->out->path, text, n, ahead, &other);
    if (rows && table) {
        err_set(&other, ERR_INPUT, "%s:%d: no JSON object; the file seems to be %s", in->out->path, row->line, table);
        err_hint(&other, "%s", kind_rows_remedy);
    }
    if (other.code != ERR_NONE)
        *err = other;
    return rows;
}

/* `ahead` bytes stand from the line's text on, it and what follows, as far as they are at hand. */
static bool take_line(Intake *in, int line, const char *text, size_t n, size_t ahead, Err *err)
{
    size_t marked = n;
    str_skip_mark(&text, &n);
    ahead -= marked - n;
    if (is_blank(text, n))
        return true;
    Row row = {.line = line};
    bool first = !in->begun;
    in->begun = true;
    if (!parse_row(in->out->path, line, text, n, &row.json, err) ||
        !row_identify(&row, in->contents, in->ids, in->out->path, err)) {
        bool rows = !first || check_file(in, &row, text, n, ahead, err);
        json_decref(row.json);
        return rows && rows_pass_over(in->out, in->skip_bad, err);
    }
    in->out->row = MEM_GROW(in->out->row, in->out->n, in->cap);
    in->out->row[in->out->n++] = row;
    return true;
}

static bool is_full(const Intake *in)
{
    return in->limit > 0 && in->out->n >= in->limit;
}

static bool intake_end(Intake *in, bool ok, Err *err)
{
    json_decref(in->contents);
    json_decref(in->ids);
    if (ok && in->out->n == 0) {
        ok = err_set(err, ERR_INPUT, "%s holds no rows", in->out->path);
        err_hint(err, "a row is a JSON object on a line of its own");
    }
    if (!ok)
        rows_release(in->out);
    return ok;
}

bool rows_read(Rows *out, const char *path, int limit, bool skip_bad, Err *err)
{
    *out = (Rows){.path = mem_str(strcmp(path, "-") == 0 ? "standard input" : path)};
    Intake in = {.out = out, .limit = limit, .skip_bad = skip_bad, .contents = json_object(), .ids = json_object()};
    LineReader *lines = NULL;
    bool ok = lines_open(&lines, path, err), more = true;
    while (ok && more && !is_full(&in)) {
        const char *text;
        size_t n;
        ok = lines_next(lines, &text, &n, &more, err);
        ok = ok && (!more || take_line(&in, lines_number(lines), text, n, lines_ahead(lines, text), err));
    }
    lines_close(lines);
    return intake_end(&in, ok, err);
}

bool rows_parse(Rows *out, const char *name, const char *text, size_t n, int limit, Err *err)
{
    *out = (Rows){.path = mem_str(name)};
    Intake in = {.out = out, .limit = limit, .contents = json_object(), .ids = json_object()};
    bool ok = true;
    const char *end = text + n;
    for (int line = 1; ok && text < end && !is_full(&in); line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((stop ? stop : end) - text);
        ok = take_line(&in, line, text, length, (size_t)(end - text), err);
        text += length + 1;
    }
    return intake_end(&in, ok, err);
}

void rows_append(Rows *to, Rows *from)
{
    if (!to->path) {
        *to = *from;
        *from = (Rows){0};
        return;
    }
    to->more = mem_resize(to->more, (size_t)to->files + 1, sizeof *to->more);
    char *path = to->more[to->files++] = from->path;
    to->row = mem_resize(to->row, (size_t)(to->n + from->n), sizeof *to->row);
    for (int i = 0; i < from->n; i++) {
        Row *row = &to->row[to->n++];
        *row = from->row[i];
        row->path = path;
        size_t n = strlen(row->key);
        snprintf(row->key + n, sizeof row->key - n, "@%d", to->files);
    }
    to->skipped += from->skipped;
    to->equal += from->equal;
    free(from->row);
    *from = (Rows){0};
}

static void row_release(Row *row)
{
    row_view_release(&row->view);
    json_decref(row->json);
}

void rows_keep(Rows *r, const bool *in)
{
    int kept = 0;
    for (int i = 0; i < r->n; i++)
        if (in[i])
            r->row[kept++] = r->row[i];
        else
            row_release(&r->row[i]);
    r->n = kept;
}

void rows_release(Rows *r)
{
    for (int i = 0; i < r->files; i++)
        free(r->more[i]);
    free(r->more);
    for (int i = 0; i < r->n; i++)
        row_release(&r->row[i]);
    free(r->row);
    free(r->path);
    *r = (Rows){0};
}

bool rows_view(Rows *r, RowNeed need, bool skip_bad, Err *err)
{
    int kept = 0;
    if (need == NEED_PAIR && !rows_split_pairs(r, err))
        return false;
    for (int i = 0; i < r->n; i++) {
        Row row = r->row[i];
        char place[300];
        if (row_view(row.json, need, &row.view, err)) {
            r->row[kept++] = row;
            continue;
        }
        err_context(err, "%s", row_place(r, i, place));
        bool goes_on = rows_pass_over(r, skip_bad, err);
        json_decref(row.json);
        if (!goes_on) { /* close the gap, so that what is left is released once */
            int left = r->n - i - 1;
            memmove(&r->row[kept], &r->row[i + 1], (size_t)left * sizeof *r->row);
            r->n = kept + left;
            return false;
        }
    }
    r->n = kept;
    return rows_are_left(r, r->n, err);
}

void rows_hash(const Rows *r, char out[HASH_TEXT])
{
    Hash *h = hash_new();
    for (int i = 0; i < r->n; i++)
        hash_add_text(h, r->row[i].key);
    hash_end(h, out);
}
