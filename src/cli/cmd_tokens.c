/* tokenize, logprob: rows of ids. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "infer/scorer.h"
#include "rlaif/render.h"

typedef struct TokenOptions {
    CommonOptions common;
    char *rows, *model, *output;
    bool special, decode, skip_bad;
    int chat, top, limit;
} TokenOptions;

static const Option row_options[] = {
    {"rows", OPT_TEXT, AT(TokenOptions, rows), .value = "ROWS", .flags = OPT_POSITIONAL | OPT_REQUIRED,
     .help = "JSONL"},
    {"model", OPT_TEXT, AT(TokenOptions, model), .value = "MODEL", .flags = OPT_REQUIRED, .help = "the model"},
    {"output", OPT_TEXT, AT(TokenOptions, output), .value = "ROWS", .flags = OPT_SHORT_O,
     .help = "standard output if not given"},
    {"limit", OPT_INT, AT(TokenOptions, limit), 0, 1e9, "0", .help = "at most so many rows; 0: all"},
    {"skip-bad", OPT_BOOL, AT(TokenOptions, skip_bad), .help = "leave bad rows out and list them"},
};
static const Option tokenize_options[] = {
    {"special", OPT_BOOL, AT(TokenOptions, special), .help = "control tokens in the text count as such"},
    {"decode", OPT_BOOL, AT(TokenOptions, decode), .help = "back: `ids` to `text`"},
};
static const Option logprob_options[] = {
    {"chat", OPT_CHOICE, AT(TokenOptions, chat), .choices = CHAT_MODES, .otherwise = "auto",
     .help = "rows of prompt and response through the chat template"},
    {"top", OPT_INT, AT(TokenOptions, top), 0, 1000, "0", .help = "also the best tokens after the last one"},
};
static const OptionGroup tokenize_groups[] = {
    {row_options, COUNT(row_options), 0},
    {tokenize_options, COUNT(tokenize_options), 0},
    {common_options, COMMON_OPTIONS, AT(TokenOptions, common)},
};
static const OptionGroup logprob_groups[] = {
    {row_options, COUNT(row_options), 0},
    {logprob_options, COUNT(logprob_options), 0},
    {common_options, COMMON_OPTIONS, AT(TokenOptions, common)},
};
const OptionTable tokenize_table = {tokenize_groups, COUNT(tokenize_groups), sizeof(TokenOptions)};
const OptionTable logprob_table = {logprob_groups, COUNT(logprob_groups), sizeof(TokenOptions)};

static bool write_line(TextWriter *out, const json_t *row, Err *err)
{
    char *text = json_text(row);
    bool ok = text_write(out, text, strlen(text), err) && text_write(out, "\n", 1, err);
    free(text);
    return ok;
}

/* A row's `ids`, checked against the vocabulary. */
static bool read_ids(const json_t *row, const Model *m, Ids *out, Err *err)
{
    const json_t *list = json_object_get(row, "ids");
    if (!json_is_array(list))
        return err_set(err, ERR_INPUT, "\"ids\" is no list of numbers");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *id = json_array_get(list, i);
        json_int_t v = json_integer_value(id);
        if (!json_is_integer(id) || v < 0 || v >= m->config.vocab)
            return err_set(err, ERR_INPUT, "\"ids\" holds something that is no id below %d", m->config.vocab);
        ids_add(out, (int)v);
    }
    return true;
}

static json_t *ids_json(const int *id, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_integer(id[i]));
    return list;
}

/* --- tokenize --- */

/* Bytes that are no UTF-8 cannot stand in JSON: they go out as hexadecimal digits in `bytes`. */
static void set_text(json_t *row, const Str *s)
{
    json_t *text = json_stringn(str_text(s), s->n);
    if (text) {
        json_object_set_new(row, "text", text);
        return;
    }
    Str hex = {0};
    for (size_t i = 0; i < s->n; i++)
        str_addf(&hex, "%02x", (unsigned char)s->text[i]);
    json_object_set_new(row, "bytes", json_string(str_text(&hex)));
    str_release(&hex);
}

static bool tokenize_row(const TokenOptions *o, const Model *m, json_t *row, Err *err)
{
    Ids ids = {0};
    Str text = {0};
    bool ok;
    if (o->decode) {
        ok = read_ids(row, m, &ids, err);
        if (ok) {
            tokenizer_decode(m->tokenizer, ids.id, ids.n, true, &text);
            set_text(row, &text);
        }
    } else {
        const json_t *t = json_object_get(row, "text");
        ok = json_is_string(t) || err_set(err, ERR_INPUT, "the row has no \"text\"");
        ok = ok && tokenizer_encode(m->tokenizer, json_string_value(t), json_string_length(t),
                                    o->special ? TOKENIZE_SPECIAL : 0, &ids, err);
        if (ok)
            json_object_set_new(row, "ids", ids_json(ids.id, ids.n));
    }
    ids_release(&ids);
    str_release(&text);
    return ok;
}

static bool tokenize_rows(const TokenOptions *o, const Model *m, Rows *rows, json_t *summary, Err *err)
{
    TextWriter *out;
    if (!text_open(&out, o->output, err))
        return false;
    int written = 0;
    size_t tokens = 0;
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        char place[300];
        json_t *row = rows->row[i].json;
        ok = not_interrupted(err);
        if (ok && tokenize_row(o, m, row, err)) {
            ok = write_line(out, row, err);
            tokens += json_array_size(json_object_get(row, "ids"));
            written++;
        } else if (ok) {
            err_context(err, "%s", row_place(rows, i, place));
            ok = rows_pass_over(rows, o->skip_bad, err);
        }
    }
    if (ok && written == 0)
        ok = (err_set(err, ERR_INPUT, "%s: no row can be used", rows->path),
              err_hint(err, "what is wrong with each is said above"));
    if (!ok) {
        text_discard(out);
        return false;
    }
    json_object_set_new(summary, "rows", json_integer(written));
    json_object_set_new(summary, "tokens", json_integer((json_int_t)tokens));
    return text_close(out, err);
}

bool cmd_tokenize(Work *work, void *options, Err *err)
{
    const TokenOptions *o = options;
    Rows rows = {0};
    Model *m = NULL;
    work->summary = json_object();
    bool ok = rows_read(&rows, o->rows, o->limit, o->skip_bad, err) && model_load_text(&m, o->model, err) &&
              tokenize_rows(o, m, &rows, work->summary, err);
    model_free(m);
    rows_release(&rows);
    return ok;
}

/* --- logprob --- */

/* The ids of a row, and the first that is scored. */
static bool row_ids(const Model *m, const json_t *row, bool chat, Ids *ids, int *from, Err *err)
{
    *from = 1;
    if (json_object_get(row, "ids"))
        return read_ids(row, m, ids, err);
    RowView v;
    if (!row_view(row, NEED_RESPONSES, &v, err))
        return err_hint(err, "a row has ids, or prompt and response");
    bool ok = render_whole(m, &v, 0, chat, ids, from, err);
    row_view_release(&v);
    return ok;
}

static void add_logps(json_t *row, const char *name, const float *logp, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_of_float(logp[i]));
    json_object_set_new(row, name, list);
}

/* The `top` likeliest tokens after the sequence. */
static bool add_top(Scorer *s, const Sequence *seq, int top, json_t *row, Err *err)
{
    int *best = mem_alloc((size_t)top, sizeof *best);
    float *logp = mem_alloc((size_t)top, sizeof *logp);
    bool ok = scorer_next(s, seq, 1, top, best, logp, err);
    if (ok) {
        json_object_set_new(row, "top_ids", ids_json(best, top));
        add_logps(row, "top_logp", logp, top);
    }
    free(best);
    free(logp);
    return ok;
}

static bool score_row(const TokenOptions *o, Scorer *s, const Model *m, json_t *row, bool chat, Err *err)
{
    Ids ids = {0};
    int from;
    bool ok = row_ids(m, row, chat, &ids, &from, err) && render_fits(m, ids.n, 0, err);
    if (ok && ids.n < from + 1)
        ok = err_set(err, ERR_INPUT, "the row has %d tokens, at least %d are needed", ids.n, from + 1);
    Sequence seq = {ids.id, ids.n};
    float *logp = mem_alloc((size_t)ids.n + 1, sizeof *logp);
    ok = ok && scorer_logprobs(s, &seq, &from, 1, &logp, err);
    if (ok)
        add_logps(row, "logp", logp, ids.n - from);
    if (ok && o->top > 0)
        ok = add_top(s, &seq, o->top < m->config.vocab ? o->top : m->config.vocab, row, err);
    free(logp);
    ids_release(&ids);
    return ok;
}

static bool score_rows(const TokenOptions *o, Model *m, Rows *rows, json_t *summary, Err *err)
{
    bool chat;
    TextWriter *out;
    if (!render_chat(m, (ChatMode)o->chat, &chat, err) || !text_open(&out, o->output, err))
        return false;
    Scorer *s;
    scorer_open(&s, m);
    Progress p;
    progress_begin(&p, "logprob", "rows", rows->n, 0);
    double sum = 0, tokens = 0;
    int written = 0;
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        char place[300];
        json_t *row = rows->row[i].json, *x;
        size_t k;
        ok = not_interrupted(err);
        if (ok && score_row(o, s, m, row, chat, err)) {
            ok = write_line(out, row, err);
            json_array_foreach(json_object_get(row, "logp"), k, x) sum += json_number_value(x), tokens++;
            progress_at(&p, ++written);
        } else if (ok) {
            err_context(err, "%s", row_place(rows, i, place));
            ok = rows_pass_over(rows, o->skip_bad, err);
        }
    }
    progress_end(&p);
    scorer_free(s);
    if (ok && written == 0)
        ok = (err_set(err, ERR_INPUT, "%s: no row can be used", rows->path),
              err_hint(err, "what is wrong with each is said above"));
    if (!ok) {
        text_discard(out);
        return false;
    }
    json_object_set_new(summary, "rows", json_integer(written));
    json_object_set_new(summary, "tokens", json_integer((json_int_t)tokens));
    json_object_set_new(summary, "mean_logp", json_real(sum / tokens));
    return text_close(out, err);
}

bool cmd_logprob(Work *work, void *options, Err *err)
{
    const TokenOptions *o = options;
    Rows rows = {0};
    Model *m = NULL;
    work->summary = json_object();
    bool ok = rows_read(&rows, o->rows, o->limit, o->skip_bad, err) &&
              model_load(&m, o->model, work->device, HEAD_LM, err) && score_rows(o, m, &rows, work->summary, err);
    model_free(m);
    rows_release(&rows);
    return ok;
}
