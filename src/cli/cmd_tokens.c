/* tokenize, logprob: rows of ids. */
#include "base/lines.h"
#include "base/mem.h"
#include "cli/command.h"
#include "infer/scorer.h"
#include "rlaif/rows/render.h"
#include "rlaif/stage/option_rows.h"

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
    CHAT_OPTION(TokenOptions, "rows of prompt and response through the chat template"),
    {"top", OPT_INT, AT(TokenOptions, top), 0, 1000, "0", .help = "also the best tokens after the last one"},
};
static const OptionGroup tokenize_groups[] = {
    {row_options, COUNT(row_options), 0},
    {tokenize_options, COUNT(tokenize_options), 0},
    {common_options, COMMON_OPTIONS, AT(TokenOptions, common)},
    {common_options + BASE_OPTION, 1, AT(TokenOptions, common)},
};
static const OptionGroup logprob_groups[] = {
    {row_options, COUNT(row_options), 0},
    {logprob_options, COUNT(logprob_options), 0},
    {common_options, RENDER_OPTIONS, AT(TokenOptions, common)},
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

/* One of the two commands at work. */
typedef struct Pass {
    const TokenOptions *options;
    Model *model;
    Scorer *scorer;      /* logprob */
    bool chat;           /* logprob */
    Progress progress;   /* logprob */
    int rows;            /* written */
    double tokens, logp; /* of these: how many, the sum */
} Pass;

/* Rows come one by one, `use` adds to each what the command is for, and they go out; bad ones as --skip-bad says. */
static bool each_row(Pass *p, bool (*use)(Pass *p, json_t *row, Err *err), Rows *rows, json_t *summary, Err *err)
{
    TextWriter *out;
    bool ok = text_open(&out, p->options->output, err);
    for (int i = 0; ok && i < rows->n; i++) {
        char place[300];
        json_t *row = rows->row[i].json;
        ok = not_interrupted(err);
        if (ok && use(p, row, err)) {
            ok = write_line(out, row, err);
            p->rows++;
        } else if (ok) {
            err_context(err, "%s", row_place(rows, i, place));
            ok = rows_pass_over(rows, p->options->skip_bad, err);
        }
    }
    if (!ok || !rows_are_left(rows, p->rows, err)) {
        text_discard(out);
        return false;
    }
    json_object_set_new(summary, "rows", json_integer(p->rows));
    json_object_set_new(summary, "tokens", json_integer((json_int_t)p->tokens));
    return text_close(out, err);
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

static bool tokenize_row(Pass *p, json_t *row, Err *err)
{
    const TokenOptions *o = p->options;
    const Model *m = p->model;
    Ids ids = {0};
    Str text = {0};
    bool ok;
    if (o->decode) {
        ok = read_ids(row, m, &ids, err);
        if (ok) {
            tokenizer_decode(m->tokenizer, ids.id, ids.n, TOKENIZE_SPECIAL, &text);
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
    p->tokens += ok ? ids.n : 0;
    ids_release(&ids);
    str_release(&text);
    return ok;
}

bool cmd_tokenize(Work *work, void *options, Err *err)
{
    const TokenOptions *o = options;
    Pass p = {.options = o};
    Rows rows = {0};
    work->summary = json_object();
    bool ok = rows_read(&rows, o->rows, o->limit, o->skip_bad, err) && model_load_text(&p.model, o->model, 0, err) &&
              each_row(&p, tokenize_row, &rows, work->summary, err);
    model_free(p.model);
    rows_release(&rows);
    return ok;
}

/* --- logprob --- */

/* The ids of a row, and the first that is scored. */
static bool row_ids(const Model *m, const json_t *row, bool chat, Ids *ids, int *from, Err *err)
{
    *from = 1;
    if (json_field(row, "ids"))
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

static bool score_row(Pass *p, json_t *row, Err *err)
{
    const Model *m = p->model;
    Ids ids = {0};
    const json_t *x;
    size_t k;
    int from, top = p->options->top < m->config.vocab ? p->options->top : m->config.vocab;
    bool ok = row_ids(m, row, p->chat, &ids, &from, err) && render_fits(m, ids.n, 0, err);
    if (ok && ids.n < from + 1)
        ok = err_set(err, ERR_INPUT, "the row has %d tokens, at least %d are needed", ids.n, from + 1);
    Sequence seq = {ids.id, ids.n};
    float *logp = mem_alloc((size_t)ids.n + 1, sizeof *logp);
    ok = ok && scorer_logprobs(p->scorer, &seq, &from, 1, &logp, err);
    if (ok)
        add_logps(row, "logp", logp, ids.n - from);
    if (ok && top > 0)
        ok = add_top(p->scorer, &seq, top, row, err);
    if (ok)
        json_array_foreach(json_object_get(row, "logp"), k, x) p->logp += json_number_value(x), p->tokens++;
    progress_at(&p->progress, p->rows + ok);
    free(logp);
    ids_release(&ids);
    return ok;
}

static bool score_rows(Pass *p, Rows *rows, json_t *summary, Err *err)
{
    if (!render_chat(p->model, (ChatMode)p->options->chat, &p->chat, err))
        return false;
    scorer_open(&p->scorer, p->model);
    progress_begin(&p->progress, "logprob", "rows", rows->n, 0);
    bool ok = each_row(p, score_row, rows, summary, err);
    progress_end(&p->progress);
    scorer_free(p->scorer);
    if (ok)
        json_object_set_new(summary, "mean_logp", json_real(p->logp / p->tokens));
    return ok;
}

bool cmd_logprob(Work *work, void *options, Err *err)
{
    const TokenOptions *o = options;
    Pass p = {.options = o};
    Rows rows = {0};
    work->summary = json_object();
    bool ok = rows_read(&rows, o->rows, o->limit, o->skip_bad, err) &&
              work_model(&p.model, o->model, work, HEAD_LM, err) && score_rows(&p, &rows, work->summary, err);
    model_free(p.model);
    rows_release(&rows);
    return ok;
}
