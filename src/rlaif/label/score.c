/* Scores. */
#include "rlaif/label/score.h"

#include "base/mem.h"
#include "rlaif/stage/option_rows.h"
#include "rlaif/stage/stats.h"

static const Option option_rows[] = {
    {"rows", OPT_TEXT, AT(ScoreOptions, rows), .value = "ROWS", .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "rows with responses"},
    {"model", OPT_TEXT, AT(ScoreOptions, model), .value = "MODEL", .flags = OPT_WORKING,
     .help = "a reward model, or with --prompt a judge"},
    OUTPUT_ROWS_OPTION(ScoreOptions, "rows with scores; standard output if not given"),
    {"prompt", OPT_TEXT, AT(ScoreOptions, prompt), .value = "NAME|FILE", .flags = OPT_WORKING,
     .help = "a judge prompt of any kind but pairwise"},
    {"mark", OPT_TEXT, AT(ScoreOptions, mark), .value = "FIELD", .flags = OPT_WORKING,
     .help = "a field of true or false: how often a response of true scores above one of false is said (AUC)"},
    CHAT_OPTION(ScoreOptions,
                "through the chat template; auto: as the reward model was trained, or as the prompt says"),
    {"max-input", OPT_INT, AT(ScoreOptions, max_input), 0, 1e9, "0",
     .help = "most tokens that are read at once; 0: of a judge 4096, of a reward model what its context holds"},
    TRUNCATE_OPTION(ScoreOptions,
                    "what a longer one loses: nothing, it is refused; or words at one end of its context"),
    LIMIT_OPTION(ScoreOptions, "rows"),
    SKIP_BAD_OPTION(ScoreOptions, ", and those of which an endpoint will not judge a response,"),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    JUDGE_SOURCE_GROUPS(ScoreOptions, endpoint),
    {common_options, RENDER_OPTIONS, AT(ScoreOptions, common)},
};
const OptionTable score_table = {groups, COUNT(groups), sizeof(ScoreOptions)};

enum { CHUNK = 32 }; /* rows that are scored and stored together */

typedef struct Scoring {
    const ScoreOptions *options;
    Work *work;
    JudgeSource source;
    Judge *judge;        /* with a prompt, */
    RewardModel *reward; /* or a reward head */
} Scoring;

static bool prepare(void *context, Err *err)
{
    Scoring *s = context;
    const ScoreOptions *o = s->options;
    if (!o->prompt)
        return reward_model_open(&s->reward, o->model, s->work->device, o->common.date, (ChatMode)o->chat, err);
    JudgeReading reading = {o->max_input > 0 ? o->max_input : LABELER_INPUT, o->truncate};
    JudgeOptions how = judge_reading((ChatMode)o->chat, reading);
    how.cut_by = "--truncate";
    how.refused = o->skip_bad ? REFUSED_TOLD : REFUSED_FAILS;
    return judge_source_load(&s->source, s->work, err) && judge_source_open(&s->source, &s->judge, o->prompt, how, err);
}

/* A chunk's rows, and all their responses one after the other. */
typedef struct Flat {
    int row, response; /* of the chunk; of the row */
} Flat;
typedef struct Chunk {
    const Rows *rows;
    const int *index; /* [n], of the rows */
    int n, total;
    Flat *flat;        /* [total] */
    double *score;     /* [total] */
    json_t **judgment; /* [total], of a judge */
    int *cut;          /* [n], characters taken off the context */
    bool *refused;     /* [n], a response of it will get no answer */
} Chunk;

static Chunk chunk_begin(const Rows *rows, const int *index, int n)
{
    Chunk c = {.rows = rows,
               .index = index,
               .n = n,
               .cut = mem_zalloc((size_t)n, sizeof *c.cut),
               .refused = mem_zalloc((size_t)n, sizeof *c.refused)};
    for (int i = 0; i < n; i++)
        c.total += rows->row[index[i]].view.n;
    c.flat = mem_alloc((size_t)c.total, sizeof *c.flat);
    c.score = mem_zalloc((size_t)c.total, sizeof *c.score);
    c.judgment = mem_zalloc((size_t)c.total, sizeof *c.judgment);
    for (int i = 0, at = 0; i < n; i++)
        for (int r = 0; r < rows->row[index[i]].view.n; r++)
            c.flat[at++] = (Flat){i, r};
    return c;
}

static void chunk_release(Chunk *c)
{
    free(c->flat);
    free(c->score);
    free(c->judgment);
    free(c->cut);
    free(c->refused);
}

static bool score_by_judge(Scoring *s, Chunk *c, Err *err)
{
    Question *q = mem_zalloc((size_t)c->total, sizeof *q);
    Verdict *verdict = mem_zalloc((size_t)c->total, sizeof *verdict);
    char(*place)[300] = mem_alloc((size_t)c->n, sizeof *place), **context = mem_alloc((size_t)c->n, sizeof *context);
    for (int i = 0; i < c->n; i++) {
        row_place(c->rows, c->index[i], place[i]);
        context[i] = context_lines(&c->rows->row[c->index[i]].view.context);
    }
    for (int i = 0; i < c->total; i++) {
        Flat f = c->flat[i];
        const RowView *v = &c->rows->row[c->index[f.row]].view;
        q[i] = (Question){.where = place[f.row],
                          .context = context[f.row],
                          .first = v->response[f.response].text,
                          .turns = &v->context,
                          .reply = &v->response[f.response]};
    }
    bool ok = judge_responses(s->judge, q, c->total, verdict, err);
    for (int i = 0; ok && i < c->total; i++) {
        c->score[i] = judge_reward(s->judge, &verdict[i]);
        c->judgment[i] = judgment_json(s->judge, &verdict[i]);
        c->cut[c->flat[i].row] = verdict[i].cut;
        c->refused[c->flat[i].row] = c->refused[c->flat[i].row] || verdict[i].refused;
    }
    for (int i = 0; i < c->n; i++)
        free(context[i]);
    free(context);
    free(q);
    free(verdict);
    free(place);
    return ok;
}

static bool score_by_reward(Scoring *s, Chunk *c, Err *err)
{
    Room room = {(CutRule)s->options->truncate, s->options->max_input, 0, "--max-input"};
    Rewarded *row = mem_zalloc((size_t)c->n, sizeof *row);
    char(*place)[300] = mem_alloc((size_t)c->n, sizeof *place);
    for (int i = 0; i < c->n; i++)
        row[i] =
            (Rewarded){.view = &c->rows->row[c->index[i]].view, .where = row_place(c->rows, c->index[i], place[i])};
    bool ok = reward_model_rows(s->reward, row, c->n, room, c->score, err);
    for (int i = 0; i < c->n; i++)
        c->cut[i] = row[i].cut;
    free(place);
    free(row);
    return ok;
}

/* A list becomes the row's field; where the row has `response`, its one entry does. */
static void set_field(json_t *row, bool one, const char *name, json_t *list)
{
    json_object_set(row, name, one ? json_array_get(list, 0) : list);
    json_decref(list);
}

/* Scores that the responses have already stay beside the new ones. */
static void keep_score(json_t *row, size_t n)
{
    json_t *score = json_object_get(row, "score");
    if (json_array_size(score) == n || (n == 1 && json_is_number(score)))
        json_object_set(row, "score_before", score);
    else
        json_object_del(row, "score_before");
}

static bool score_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Scoring *s = context;
    Chunk c = chunk_begin(rows, index, n);
    bool ok = s->judge ? score_by_judge(s, &c, err) : score_by_reward(s, &c, err);
    for (int i = 0, at = 0; ok && i < n; i++) {
        json_t *scores = json_array(), *judgments = json_array();
        for (; at < c.total && c.flat[at].row == i; at++) {
            json_array_append_new(scores, json_real(c.score[at]));
            if (s->judge)
                json_array_append_new(judgments, c.judgment[at]);
        }
        if (c.refused[i]) {
            json_decref(scores);
            json_decref(judgments);
            continue;
        }
        out[i] = json_copy(rows->row[index[i]].json);
        json_object_del(out[i], "score_cut");
        keep_score(out[i], json_array_size(scores));
        bool one = row_is_single(&rows->row[index[i]]);
        set_field(out[i], one, "score", scores);
        if (s->judge)
            set_field(out[i], one, "judgment", judgments);
        else
            json_decref(judgments);
        if (c.cut[i] > 0)
            json_object_set_new(out[i], "score_cut", json_integer(c.cut[i]));
    }
    chunk_release(&c);
    return ok;
}

typedef struct ScoreSums {
    double n, sum, squares, mass, masses;
    double now, before, both; /* squares and products of deviations from the mean of a row, of scores now and before */
    int prompts;              /* rows that have them */
    const char *mark;         /* or NULL */
    double *scored;           /* [marked] */
    bool *is;                 /* [marked] */
    int marked, cap;
    CutCount cut;
} ScoreSums;

/* How two scores of a row's responses go together, apart from what all of its responses share. */
static void add_within(ScoreSums *s, const json_t *now, const json_t *before)
{
    size_t n = json_array_size(now);
    double sum[2] = {0};
    if (n < 2 || json_array_size(before) != n)
        return;
    for (size_t i = 0; i < n; i++) {
        sum[0] += json_number_value(json_array_get(now, i));
        sum[1] += json_number_value(json_array_get(before, i));
    }
    for (size_t i = 0; i < n; i++) {
        double x = json_number_value(json_array_get(now, i)) - sum[0] / (double)n,
               y = json_number_value(json_array_get(before, i)) - sum[1] / (double)n;
        s->now += x * x;
        s->before += y * y;
        s->both += x * y;
    }
    s->prompts++;
}

static void add_marked(ScoreSums *s, double score, bool is)
{
    if (s->marked == s->cap) {
        s->cap = 2 * s->cap + 16;
        s->scored = mem_resize(s->scored, (size_t)s->cap, sizeof *s->scored);
        s->is = mem_resize(s->is, (size_t)s->cap, sizeof *s->is);
    }
    s->scored[s->marked] = score;
    s->is[s->marked++] = is;
}

static bool add_score(void *context, json_t *j, Err *err)
{
    (void)err;
    ScoreSums *s = context;
    const json_t *score = json_object_get(j, "score"), *judgment = json_object_get(j, "judgment");
    size_t n = json_is_array(score) ? json_array_size(score) : 1;
    cut_count(&s->cut, (int)json_number_of(j, "score_cut", 0));
    add_within(s, score, json_object_get(j, "score_before"));
    if (s->mark)
        add_marked(s, json_number_value(score), json_is_true(json_object_get(j, s->mark)));
    for (size_t i = 0; i < n; i++) {
        double x = json_number_value(json_is_array(score) ? json_array_get(score, i) : score);
        s->n++;
        s->sum += x;
        s->squares += x * x;
        const json_t *said = json_is_array(judgment) ? json_array_get(judgment, i) : judgment;
        s->mass += json_number_of(said, "mass", 0);
        s->masses += json_object_get(said, "mass") != NULL; /* a contrast has no answers */
    }
    return true;
}

static bool score_summary(Stage *s, const char *mark, Err *err)
{
    ScoreSums t = {.mark = mark};
    bool ok = store_items_each(s->work->store, s->id, store_json, &(StoreJson){add_score, &t}, err);
    double auc = ok && mark ? stats_auc(t.scored, t.is, t.marked) : (double)NAN;
    free(t.scored);
    free(t.is);
    if (!ok)
        return false;
    if (mark) {
        json_object_set_new(s->summary, "auc", isfinite(auc) ? json_real(auc) : json_null());
        json_object_set_new(s->summary, "marked", json_integer(t.marked));
        log_note("%s: a response that is %s scores above one that is not in %.1f %% of such pairs (AUC of %d)", s->name,
                 mark, 100 * auc, t.marked);
    }
    double mean = t.sum / t.n, spread = t.squares / t.n - mean * mean;
    json_object_set_new(s->summary, "responses", json_integer((json_int_t)t.n));
    json_object_set_new(s->summary, "mean", json_real(mean));
    json_object_set_new(s->summary, "sd", json_real(sqrt(spread > 0 ? spread : 0)));
    cut_report(&t.cut, s->name, s->summary);
    if (t.now > 0 && t.before > 0) {
        json_object_set_new(s->summary, "correlation_with_before", json_real(t.both / sqrt(t.now * t.before)));
        json_object_set_new(s->summary, "correlation_prompts", json_integer(t.prompts));
        log_note("%s: within prompts these scores and those that the responses had correlate %.2f (%d prompts)",
                 s->name, t.both / sqrt(t.now * t.before), t.prompts);
    }
    if (t.masses > 0)
        json_object_set_new(s->summary, "mass", json_real(t.mass / t.masses));
    return true;
}

static bool prompt_hash(const Work *work, const ScoreOptions *o, char hash[HASH_TEXT], Err *err)
{
    JudgeKind kind;
    hash[0] = 0;
    if (!o->prompt)
        return !o->endpoint.url || (err_set(err, ERR_INPUT, "--endpoint is a judge: it needs --prompt"),
                                    err_hint(err, "of any kind but pairwise: rlaif help prompts lists them"));
    if (!judge_prompt_identify(o->prompt, work->store, hash, &kind, err))
        return false;
    return kind != JUDGE_PAIRWISE ||
           (err_set(err, ERR_INPUT, "the prompt %s compares two responses", o->prompt),
            err_hint(err, "score needs a prompt of another kind than pairwise; rlaif label takes this one"));
}

/* Is every row one response that is marked? */
static bool check_marks(const Rows *rows, const char *mark, Err *err)
{
    for (int i = 0; i < rows->n; i++) {
        char place[300];
        bool one = row_is_single(&rows->row[i]);
        if (one && json_is_boolean(json_field(rows->row[i].json, mark)))
            continue;
        err_set(err, ERR_INPUT, one ? "%s: \"%s\" is neither true nor false" : "%s: several responses, and one \"%s\"",
                row_place(rows, i, place), mark);
        return err_hint(err, "--mark is of rows of one response each that people have marked, all of them");
    }
    return true;
}

bool score_stage(Work *work, const char *name, const void *options, Err *err)
{
    const ScoreOptions *o = options;
    Scoring scoring = {.options = o, .work = work};
    Rows rows = {0};
    Stage s = {0};
    char prompt[HASH_TEXT];
    bool ok =
        judge_source_name(&scoring.source, work, "model", o->model, &o->endpoint, err) &&
        prompt_hash(work, o, prompt, err) &&
        stage_read_rows(work, o->rows, o->limit, NEED_RESPONSES, o->skip_bad, &rows, err) &&
        (!o->mark || check_marks(&rows, o->mark, err)) &&
        stage_begin(&s, work, name, "score",
                    stage_about(&score_table, o, &o->common, "model", scoring.source.hash, "prompt", prompt, NULL),
                    err) &&
        stage_rows(&s, &rows, CHUNK, "rows", prepare, score_chunk, &scoring, err) && score_summary(&s, o->mark, err) &&
        stage_end(&s, NULL, err) && stage_deliver(&s, o->output, err);
    if (ok)
        judge_source_report(&scoring.source, work, name);
    judge_free(scoring.judge);
    judge_source_release(&scoring.source);
    reward_model_free(scoring.reward);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
