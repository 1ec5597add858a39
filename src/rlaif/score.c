/* Scores. */
#include "rlaif/score.h"

#include "base/mem.h"

static const Option option_rows[] = {
    {"rows", OPT_TEXT, AT(ScoreOptions, rows), .value = "ROWS", .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "rows with responses"},
    {"model", OPT_TEXT, AT(ScoreOptions, model), .value = "MODEL", .flags = OPT_WORKING,
     .help = "a reward model, or with --prompt a judge"},
    {"output", OPT_TEXT, AT(ScoreOptions, output), .value = "ROWS", .flags = OPT_SHORT_O | OPT_WORKING | OPT_CLI,
     .help = "rows with scores; standard output if not given"},
    {"prompt", OPT_TEXT, AT(ScoreOptions, prompt), .value = "NAME|FILE", .flags = OPT_WORKING,
     .help = "a judge prompt of kind score or verdict"},
    {"chat", OPT_CHOICE, AT(ScoreOptions, chat), .choices = CHAT_MODES, .otherwise = "auto",
     .help = "through the chat template; auto: as the reward model was trained, or as the prompt says"},
    {"limit", OPT_INT, AT(ScoreOptions, limit), 0, 1e9, "0", .flags = OPT_WORKING,
     .help = "at most so many rows; 0: all"},
    {"skip-bad", OPT_BOOL, AT(ScoreOptions, skip_bad), .flags = OPT_WORKING,
     .help = "leave bad rows out and list them"},
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    JUDGE_SOURCE_GROUPS(ScoreOptions, endpoint),
    {common_options, COMMON_OPTIONS, AT(ScoreOptions, common)},
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
        return reward_model_open(&s->reward, o->model, s->work->device, (ChatMode)o->chat, err);
    return judge_source_load(&s->source, s->work, err) &&
           judge_source_open(&s->source, &s->judge, o->prompt, judge_defaults((ChatMode)o->chat), err);
}

/* All responses of a chunk's rows, one after the other. */
typedef struct Flat {
    int row, response; /* of the chunk; of the row */
} Flat;

static Flat *flatten(const Rows *rows, const int *index, int n, int *total)
{
    *total = 0;
    for (int i = 0; i < n; i++)
        *total += rows->row[index[i]].view.n;
    Flat *flat = mem_alloc((size_t)*total, sizeof *flat);
    for (int i = 0, at = 0; i < n; i++)
        for (int r = 0; r < rows->row[index[i]].view.n; r++)
            flat[at++] = (Flat){i, r};
    return flat;
}

static bool score_by_judge(Scoring *s, const Rows *rows, const int *index, const Flat *flat, int total, double *score,
                           json_t **judgment, Err *err)
{
    Question *q = mem_zalloc((size_t)total, sizeof *q);
    Verdict *verdict = mem_zalloc((size_t)total, sizeof *verdict);
    char(*place)[300] = mem_alloc((size_t)total, sizeof *place);
    for (int i = 0; i < total; i++) {
        const RowView *v = &rows->row[index[flat[i].row]].view;
        q[i] = (Question){.where = row_place(rows, index[flat[i].row], place[i]),
                          .context = context_lines(&v->context),
                          .first = v->response[flat[i].response].text};
    }
    bool ok = judge_responses(s->judge, q, total, verdict, err);
    for (int i = 0; i < total; i++) {
        free((char *)(uintptr_t)q[i].context);
        if (!ok)
            continue;
        score[i] = judge_reward(s->judge, &verdict[i]);
        judgment[i] = judgment_json(s->judge, &verdict[i]);
    }
    free(q);
    free(verdict);
    free(place);
    return ok;
}

static bool score_by_reward(Scoring *s, const Rows *rows, const int *index, const Flat *flat, int total, double *score,
                            Err *err)
{
    Ids *ids = mem_zalloc((size_t)total, sizeof *ids);
    Sequence *seq = mem_alloc((size_t)total, sizeof *seq);
    bool ok = true;
    for (int i = 0; ok && i < total; i++) {
        char place[300];
        int from, row = index[flat[i].row];
        ok = (render_whole(s->reward->model, &rows->row[row].view, flat[i].response, s->reward->chat, &ids[i], &from,
                           err) &&
              render_fits(s->reward->model, ids[i].n, 0, err)) ||
             err_context(err, "%s", row_place(rows, row, place));
        seq[i] = (Sequence){ids[i].id, ids[i].n};
    }
    ok = ok && reward_model_score(s->reward, seq, total, score, err);
    for (int i = 0; i < total; i++)
        ids_release(&ids[i]);
    free(ids);
    free(seq);
    return ok;
}

/* A list becomes the row's field; where the row has `response`, its one entry does. */
static void set_field(json_t *row, const char *name, json_t *list)
{
    bool one = json_object_get(row, "response") != NULL;
    json_object_set(row, name, one ? json_array_get(list, 0) : list);
    json_decref(list);
}

static bool score_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Scoring *s = context;
    int total;
    Flat *flat = flatten(rows, index, n, &total);
    double *score = mem_zalloc((size_t)total, sizeof *score);
    json_t **judgment = mem_zalloc((size_t)total, sizeof *judgment);
    bool ok = s->judge ? score_by_judge(s, rows, index, flat, total, score, judgment, err)
                       : score_by_reward(s, rows, index, flat, total, score, err);
    for (int i = 0, at = 0; ok && i < n; i++) {
        json_t *scores = json_array(), *judgments = json_array();
        for (; at < total && flat[at].row == i; at++) {
            json_array_append_new(scores, json_real(score[at]));
            if (s->judge)
                json_array_append_new(judgments, judgment[at]);
        }
        out[i] = json_copy(rows->row[index[i]].json);
        set_field(out[i], "score", scores);
        if (s->judge)
            set_field(out[i], "judgment", judgments);
        else
            json_decref(judgments);
    }
    free(judgment);
    free(score);
    free(flat);
    return ok;
}

typedef struct ScoreSums {
    double n, sum, squares, mass;
} ScoreSums;

static bool add_score(void *context, const char *row, Err *err)
{
    ScoreSums *s = context;
    json_t *j;
    if (!json_parse(row, strlen(row), "a stored score", &j, err))
        return false;
    const json_t *score = json_object_get(j, "score"), *judgment = json_object_get(j, "judgment");
    size_t n = json_is_array(score) ? json_array_size(score) : 1;
    for (size_t i = 0; i < n; i++) {
        double x = json_number_value(json_is_array(score) ? json_array_get(score, i) : score);
        s->n++;
        s->sum += x;
        s->squares += x * x;
        s->mass += json_number_of(json_is_array(judgment) ? json_array_get(judgment, i) : judgment, "mass", 0);
    }
    json_decref(j);
    return true;
}

static bool score_summary(Stage *s, bool judged, Err *err)
{
    ScoreSums t = {0};
    if (!store_items_each(s->work->store, s->id, add_score, &t, err))
        return false;
    double mean = t.sum / t.n, spread = t.squares / t.n - mean * mean;
    json_object_set_new(s->summary, "responses", json_integer((json_int_t)t.n));
    json_object_set_new(s->summary, "mean", json_real(mean));
    json_object_set_new(s->summary, "sd", json_real(sqrt(spread > 0 ? spread : 0)));
    if (judged)
        json_object_set_new(s->summary, "mass", json_real(t.mass / t.n));
    return true;
}

static bool prompt_hash(const ScoreOptions *o, char hash[HASH_TEXT], Err *err)
{
    JudgePrompt *p;
    hash[0] = 0;
    if (!o->prompt)
        return !o->endpoint.url || (err_set(err, ERR_INPUT, "--endpoint is a judge: it needs --prompt"),
                                    err_hint(err, "of kind score or verdict: rlaif help prompts lists them"));
    if (!judge_prompt_load(&p, o->prompt, err))
        return false;
    memcpy(hash, p->hash, HASH_TEXT);
    bool pairwise = p->kind == JUDGE_PAIRWISE;
    judge_prompt_free(p);
    return !pairwise || (err_set(err, ERR_INPUT, "the prompt %s compares two responses", o->prompt),
                         err_hint(err, "score needs a prompt of kind score or verdict; rlaif label takes this one"));
}

bool score_stage(Work *work, const char *name, const void *options, Err *err)
{
    const ScoreOptions *o = options;
    Scoring scoring = {.options = o, .work = work};
    Rows rows = {0};
    Stage s = {0};
    char prompt[HASH_TEXT];
    bool ok =
        judge_source_name(&scoring.source, work, "model", o->model, &o->endpoint, err) && prompt_hash(o, prompt, err) &&
        stage_read_rows(work, o->rows, o->limit, NEED_RESPONSES, o->skip_bad, &rows, err) &&
        stage_begin(&s, work, name, "score",
                    stage_about(&score_table, o, &o->common, "model", scoring.source.hash, "prompt", prompt, NULL),
                    err) &&
        stage_rows(&s, &rows, CHUNK, "rows", prepare, score_chunk, &scoring, err) &&
        score_summary(&s, o->prompt != NULL, err) && stage_end(&s, NULL, err) && stage_deliver(&s, o->output, err);
    if (ok)
        judge_source_report(&scoring.source, work, name);
    judge_free(scoring.judge);
    judge_source_release(&scoring.source);
    reward_model_free(scoring.reward);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
