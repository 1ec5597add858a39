/* Responses of two policies to the same prompts, judged. */
#include "rlaif/eval/eval.h"

#include "base/mem.h"
#include "rlaif/eval/contest.h"
#include "rlaif/eval/duels.h"
#include "rlaif/eval/match.h"
#include "rlaif/eval/outcomes.h"
#include "rlaif/eval/probes.h"
#include "rlaif/eval/table.h"
#include "rlaif/judge/reward_model.h"
#include "rlaif/judge/source.h"
#include "rlaif/stage/heldout.h"
#include "rlaif/stage/option_rows.h"

static const Option option_rows[] = {
    {"a", OPT_TEXT, AT(WinrateOptions, a), .value = "A", .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "rows with responses: the newer policy's"},
    {"b", OPT_TEXT, AT(WinrateOptions, b), .value = "B", .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING,
     .help = "rows with responses to the same prompts: those it is compared with; reference: what people wrote, in A's "
             "rows"},
    {"judge", OPT_TEXT, AT(WinrateOptions, judge), .value = "MODEL", .flags = OPT_WORKING, .help = "who judges"},
    {"reward", OPT_TEXT, AT(WinrateOptions, reward), .value = "DIR", .flags = OPT_WORKING,
     .help = "a reward model that judges each response alone, in place of a judge or beside it"},
    {"prompt", OPT_LIST, AT(WinrateOptions, prompt), .value = "NAME|FILE,...", .flags = OPT_WORKING,
     .help = "the judge's prompts, one or more [helpful-base; pointwise: helpful-score]"},
    {"method", OPT_CHOICE, AT(WinrateOptions, method), .choices = "auto|pairwise|pointwise", .otherwise = "auto",
     .flags = OPT_WORKING, .help = "compare two responses, or judge each alone; auto: as the prompt does"},
    AVERAGE_OPTION(WinrateOptions, average),
    {"length", OPT_CHOICE, AT(WinrateOptions, length), .choices = LENGTH_CONTROLS, .otherwise = "ratio",
     .flags = OPT_WORKING, .help = "control for length by the ratio of lengths, or by its logarithm"},
    TRAINED_ON_OPTION(WinrateOptions),
    OUTPUT_ROWS_OPTION(WinrateOptions, "the judgments, a row for each prompt"),
    CHAT_OPTION(WinrateOptions,
                "through the chat template; auto: as the judge's prompt says, or as the reward model was trained"),
    LIMIT_OPTION(WinrateOptions, "rows of A"),
    SKIP_BAD_OPTION(WinrateOptions, ", and those of which an endpoint will not judge a pair,"),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    JUDGE_READING_GROUP(WinrateOptions, reading),
    JUDGE_SOURCE_GROUPS(WinrateOptions, endpoint),
    {common_options, RENDER_OPTIONS, AT(WinrateOptions, common)},
};
const OptionTable winrate_table = {groups, COUNT(groups), sizeof(WinrateOptions)};

enum { CHUNK_PAIRS = 16 }; /* pairs that are judged and stored together, about */

#define KINDS JUDGE_KINDS "|reward"
enum { BY_REWARD = JUDGE_MIX + 1 };

/* Who is asked: the judge with one of its prompts, or the reward model. */
typedef struct Arbiter {
    const char *source; /* of a prompt: name or file, as given */
    char *name, hash[HASH_TEXT];
    int kind;     /* JudgeKind, or BY_REWARD */
    Judge *judge; /* of a prompt: once a row has to be judged */
} Arbiter;

typedef struct Winrate {
    const WinrateOptions *options;
    Work *work;
    bool judged; /* by a judge */
    JudgeSource source;
    RewardModel *reward;                                  /* once a row has to be judged */
    char prompts_hash[HASH_TEXT], reward_hash[HASH_TEXT]; /* "": there is none */
    Arbiter *asked;                                       /* the prompts in their order, then the reward model */
    int n;
} Winrate;

static void winrate_release(Winrate *w)
{
    for (int i = 0; i < w->n; i++) {
        judge_free(w->asked[i].judge);
        free(w->asked[i].name);
    }
    free(w->asked);
    reward_model_free(w->reward);
    judge_source_release(&w->source);
}

/* --- who is asked --------------------------------------------------------------------------------------- */

static bool check_options(const Winrate *w, Err *err)
{
    const WinrateOptions *o = w->options;
    ErrCode code = w->work->in_recipe ? ERR_INPUT : ERR_USAGE;
    if (!w->judged && !o->reward)
        return err_set(err, code, "eval winrate needs a judge: --judge MODEL, --endpoint URL or --reward DIR"),
               err_hint(err, "--reward names a reward model, which judges each response alone");
    if (w->judged || (o->prompt.n == 0 && o->method == WINRATE_AUTO))
        return true;
    err_set(err, code, "%s needs --judge or --endpoint", o->prompt.n > 0 ? "--prompt" : "--method");
    return err_hint(err, "a reward model reads no prompt and judges each response alone");
}

static bool check_kind(const Winrate *w, const Arbiter *a, Err *err)
{
    int method = w->options->method;
    bool pairwise = a->kind == JUDGE_PAIRWISE;
    if (method == WINRATE_AUTO || pairwise == (method == WINRATE_PAIRWISE))
        return true;
    err_set(err, ERR_INPUT, "the prompt %s judges %s at a time", a->source,
            pairwise ? "two responses" : "one response");
    return err_hint(err, "use --method %s, or auto", pairwise ? "pairwise" : "pointwise");
}

static bool read_prompts(Winrate *w, Err *err)
{
    static const char *const otherwise[] = {"helpful-base", "helpful-base", "helpful-score"};
    const OptionList *list = &w->options->prompt;
    int n = list->n > 0 ? list->n : 1;
    Hash *h = hash_new();
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        Arbiter *a = &w->asked[w->n++];
        JudgePrompt *p;
        a->source = list->n > 0 ? list->item[i] : otherwise[w->options->method];
        ok = judge_prompt_load(&p, a->source, err);
        if (!ok)
            break;
        a->name = mem_str(p->name);
        a->kind = (int)p->kind;
        ok = judge_prompt_hash(p, w->work->store, a->hash, err) && check_kind(w, a, err);
        hash_add_text(h, a->hash);
        judge_prompt_free(p);
    }
    hash_end(h, w->prompts_hash);
    return ok;
}

static bool add_reward(Winrate *w, Err *err)
{
    const char *path = w->options->reward;
    if (!reward_model_check(path, err) || !model_hash(path, w->work->store, w->reward_hash, err))
        return false;
    Arbiter *a = &w->asked[w->n++];
    *a = (Arbiter){.name = mem_str("reward model"), .kind = BY_REWARD};
    memcpy(a->hash, w->reward_hash, HASH_TEXT);
    return true;
}

static bool check_average(const Winrate *w, Err *err)
{
    bool pairs = w->options->average == AVERAGE_PROBABILITY;
    for (int i = 0; i < w->n; i++)
        pairs = pairs || w->asked[i].kind == JUDGE_PAIRWISE;
    if (!pairs)
        err_set(err, w->work->in_recipe ? ERR_INPUT : ERR_USAGE, "--average is of pairs, and nobody is asked for them");
    return pairs || err_hint(err, "leave it out, or name a pairwise prompt");
}

/* Names and hashes of all that are asked; nothing is loaded. */
static bool read_asked(Winrate *w, Err *err)
{
    const WinrateOptions *o = w->options;
    w->judged = o->judge || o->endpoint.url;
    w->asked = mem_zalloc((size_t)o->prompt.n + 2, sizeof *w->asked);
    return check_options(w, err) &&
           (!w->judged ||
            (read_prompts(w, err) && judge_source_name(&w->source, w->work, "judge", o->judge, &o->endpoint, err))) &&
           (!o->reward || add_reward(w, err)) && check_average(w, err);
}

static bool prepare(void *context, Err *err)
{
    Winrate *w = context;
    const WinrateOptions *o = w->options;
    bool ok = (!o->reward ||
               reward_model_open(&w->reward, o->reward, w->work->device, o->common.date, (ChatMode)o->chat, err)) &&
              (!w->judged || judge_source_load(&w->source, w->work, err));
    for (int i = 0; ok && i < w->n; i++) {
        Arbiter *a = &w->asked[i];
        JudgeOptions how = judge_reading((ChatMode)o->chat, o->reading);
        how.refused = o->skip_bad ? REFUSED_TOLD : REFUSED_FAILS;
        if (a->kind != BY_REWARD)
            ok = judge_source_open(&w->source, &a->judge, a->source, how, err);
    }
    return ok;
}

/* --- judging -------------------------------------------------------------------------------------------- */

static bool ask(const Winrate *w, const Arbiter *a, const Duels *p, json_t **out, Err *err)
{
    return not_interrupted(err) &&
           (a->kind == BY_REWARD        ? duels_ask_reward(w->reward, p, out, err)
            : a->kind == JUDGE_PAIRWISE ? duels_ask_pairs(a->judge, p, (Averaging)w->options->average, out, err)
                                        : duels_ask_responses(a->judge, p, out, err));
}

/* Rows as they are with `judgments`: for each that is asked {"prompt", "pairs": [one for each pair]}. One of which a pair
 * gets no answer, from any of them, is left out. */
static bool judge_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Winrate *w = context;
    Duels p;
    duels_gather(&p, rows, index, n);
    json_t **said = mem_zalloc((size_t)p.n, sizeof *said);
    bool ok = true, *refused = mem_zalloc((size_t)n, sizeof *refused);
    for (int i = 0; i < n; i++) {
        out[i] = json_copy(rows->row[index[i]].json);
        json_object_set_new(out[i], "judgments", json_array());
    }
    for (int a = 0; ok && a < w->n; a++) {
        const Judge *j = w->asked[a].judge;
        ok = ask(w, &w->asked[a], &p, said, err);
        for (int i = 0, at = 0; ok && i < n; i++) {
            json_t *list = json_array();
            for (int k = 0; k < duel_count(&rows->row[index[i]]); k++, at++) {
                refused[i] = refused[i] || !said[at];
                json_array_append_new(list, said[at] ? said[at] : json_null());
            }
            json_array_append_new(json_object_get(out[i], "judgments"),
                                  json_pack("{s:s, s:o, s:O*}", "prompt", w->asked[a].name, "pairs", list, "endpoint",
                                            j ? judge_endpoint_about(j) : NULL));
        }
    }
    for (int i = 0; i < n; i++)
        if (!ok || refused[i]) {
            json_decref(out[i]);
            out[i] = NULL;
        }
    free(refused);
    duels_release(&p);
    free(said);
    return ok;
}

static int chunk_rows(const Rows *rows)
{
    int each = duel_count(&rows->row[0]);
    return each < CHUNK_PAIRS ? CHUNK_PAIRS / each : 1;
}

/* --- the numbers, from the stored rows ------------------------------------------------------------------ */

typedef struct Results {
    const Winrate *winrate;
    json_t *clusters;  /* prompt -> its number */
    Contest **contest; /* [asked][pairs] */
    json_t **parts;    /* [asked]: of a mix who its parts are; else NULL */
    Probed *probed[2]; /* of A's and of B's responses: [pairs] */
    int pairs, cap;
    double characters[2];
    CutCount cut; /* of the judge's contexts: pairs, or responses judged alone */
} Results;

static void count_cuts(const json_t *j, CutCount *count)
{
    const char *const of[] = {"a", "b"};
    cut_count(count, (int)json_number_of(j, "cut", 0));
    for (int i = 0; i < 2; i++)
        cut_count(count, (int)json_number_of(json_object_get(j, of[i]), "cut", 0));
}

static void read_pair_judgment(const json_t *j, Contest *c)
{
    const json_t *orders = json_object_get(j, "orders");
    c->a = json_number_of(j, "p", 0.5);
    c->b = 1 - c->a;
    c->same_slot = json_bool_of(j, "same_slot", false);
    c->first = eval_first_slot(json_number_of(json_array_get(orders, 0), "p", 0.5), json_bool_of(j, "flip", false));
    for (size_t o = 0; o < 2; o++)
        c->mass += json_number_of(json_array_get(orders, o), "mass", 0) / 2;
}

static void read_point_judgment(const json_t *j, Contest *c)
{
    const json_t *a = json_object_get(j, "a"), *b = json_object_get(j, "b");
    c->a = json_number_of(a, "reward", 0);
    c->b = json_number_of(b, "reward", 0);
    c->mass = (json_number_of(a, "mass", (double)NAN) + json_number_of(b, "mass", (double)NAN)) / 2;
}

/* Whom a mix asked, of a judgment of one response by it: {"part", "weight", and of whom asks somebody "prompt_hash" or
 * "reward_hash"}; rows of earlier versions have no hashes. */
static json_t *parts_of(const json_t *judgment)
{
    static const char *const keys[] = {"part", "weight", "prompt_hash", "reward_hash"};
    json_t *parts = json_array(), *one;
    size_t i;
    json_array_foreach(json_object_get(judgment, "parts"), i, one)
    {
        json_t *part = json_object();
        for (int k = 0; k < COUNT(keys); k++)
            if (json_object_get(one, keys[k]))
                json_object_set(part, keys[k], json_object_get(one, keys[k]));
        json_array_append_new(parts, part);
    }
    return parts;
}

/* The number of a prompt, a new one where it has not been met. */
static bool cluster_of(Results *r, const json_t *row, int *cluster, Err *err)
{
    RowView v;
    if (!row_view(row, NEED_PROMPT, &v, err))
        return false;
    *cluster = context_number(r->clusters, &v.context);
    row_view_release(&v);
    return true;
}

static bool add_probes(Results *r, const json_t *row, const char *side, int which, int cluster, Err *err)
{
    RowView v;
    if (!row_view(row, NEED_PROMPT, &v, err))
        return false;
    char *context = context_lines(&v.context);
    SourceWords *source = source_words(context);
    for (size_t k = 0; k < json_array_size(json_object_get(row, side)); k++) {
        ResponseView one = duel_response(row, &v.context, side, k);
        Probed *p = &r->probed[which][r->pairs + (int)k];
        p->cluster = cluster;
        probe_response(&one, source, p->value);
    }
    source_words_free(source);
    free(context);
    row_view_release(&v);
    return true;
}

/* Room for the pairs of one more row. */
static void make_room(Results *r, int more)
{
    if (r->pairs + more <= r->cap)
        return;
    r->cap = 2 * (r->pairs + more);
    for (int i = 0; i < r->winrate->n; i++)
        r->contest[i] = mem_resize(r->contest[i], (size_t)r->cap, sizeof **r->contest);
    for (int side = 0; side < 2; side++)
        r->probed[side] = mem_resize(r->probed[side], (size_t)r->cap, sizeof **r->probed);
}

static bool add_judged(void *context, json_t *row, Err *err)
{
    Results *r = context;
    const Winrate *w = r->winrate;
    int cluster = 0;
    const json_t *judgments = json_object_get(row, "judgments"), *a = json_object_get(row, "a"),
                 *b = json_object_get(row, "b");
    make_room(r, (int)json_array_size(a));
    bool ok = cluster_of(r, row, &cluster, err) && add_probes(r, row, "a", 0, cluster, err) &&
              add_probes(r, row, "b", 1, cluster, err);
    for (size_t k = 0; ok && k < json_array_size(a); k++) {
        double x = text_characters(json_string_value(json_array_get(a, k)));
        double y = text_characters(json_string_value(json_array_get(b, k)));
        for (int i = 0; i < w->n; i++) {
            const json_t *said = json_object_get(json_array_get(judgments, (size_t)i), "pairs");
            Contest *c = &r->contest[i][r->pairs];
            *c = (Contest){.cluster = cluster, .ratio = y > 0 ? x / y : (double)NAN};
            count_cuts(json_array_get(said, k), &r->cut);
            if (w->asked[i].kind == JUDGE_MIX && !r->parts[i])
                r->parts[i] = parts_of(json_object_get(json_array_get(said, k), "a"));
            if (w->asked[i].kind == JUDGE_PAIRWISE)
                read_pair_judgment(json_array_get(said, k), c);
            else
                read_point_judgment(json_array_get(said, k), c);
        }
        r->characters[0] += x;
        r->characters[1] += y;
        r->pairs++;
    }
    return ok;
}

/* What one of the asked said. */
static json_t *result_of(const Results *r, int i)
{
    const Winrate *w = r->winrate;
    const Arbiter *a = &w->asked[i];
    char *hash = mem_printf("sha256:%s", a->hash), kind[64];
    json_t *one = json_pack("{s:s, s:s, s:s}", "prompt", a->name, a->kind == BY_REWARD ? "reward_hash" : "prompt_hash",
                            hash, "kind", options_choice(KINDS, a->kind, kind));
    if (r->parts[i])
        json_object_set(one, "parts", r->parts[i]);
    contest_summary(one, r->contest[i], r->pairs, (int)json_object_size(r->clusters), a->kind != JUDGE_PAIRWISE,
                    (LengthControl)w->options->length, w->options->common.seed);
    free(hash);
    return one;
}

static void set_results(json_t *out, const Results *r)
{
    const Winrate *w = r->winrate;
    json_t *list = json_array();
    int clusters = (int)json_object_size(r->clusters);
    char *judge = mem_printf("sha256:%s", w->source.hash);
    json_object_set_new(out, "prompts", json_integer(clusters));
    json_object_set_new(out, "pairs", json_integer(r->pairs));
    json_object_set_new(out, "judge", w->judged ? json_string(judge) : json_null());
    eval_set(out, "characters_a", r->characters[0] / r->pairs);
    eval_set(out, "characters_b", r->characters[1] / r->pairs);
    for (int side = 0; side < 2; side++) {
        json_t *probes = json_object();
        probes_summary(probes, r->probed[side], r->pairs, clusters, w->options->common.seed);
        json_object_set_new(out, side ? "probes_b" : "probes_a", probes);
    }
    for (int i = 0; i < w->n; i++)
        json_array_append_new(list, result_of(r, i));
    json_object_set_new(out, "results", list);
    eval_set_comparisons(out);
    free(judge);
}

static bool summarise(Stage *s, const Winrate *w, Err *err)
{
    Results r = {.winrate = w,
                 .clusters = json_object(),
                 .contest = mem_zalloc((size_t)w->n, sizeof *r.contest),
                 .parts = mem_zalloc((size_t)w->n, sizeof *r.parts)};
    bool ok = store_items_each(s->work->store, s->id, store_json, &(StoreJson){add_judged, &r}, err);
    if (ok)
        set_results(s->summary, &r);
    judge_cut_report(&r.cut, s->name, s->summary);
    json_decref(r.clusters);
    for (int i = 0; i < w->n; i++) {
        free(r.contest[i]);
        json_decref(r.parts[i]);
    }
    free(r.parts);
    free(r.contest);
    free(r.probed[0]);
    free(r.probed[1]);
    return ok;
}

static void print_table(const WinrateOptions *o, const json_t *s)
{
    size_t i;
    json_t *result;
    eval_print("A, B", "%s, %s", o->a, o->b);
    eval_print("prompts, pairs", "%.0f, %.0f", json_number_of(s, "prompts", 0), json_number_of(s, "pairs", 0));
    json_array_foreach(json_object_get(s, "results"), i, result) contest_print(result);
    eval_print_comparisons(s);
    probes_print("A", json_object_get(s, "probes_a"));
    probes_print("B", json_object_get(s, "probes_b"));
}

static json_t *about_of(const Winrate *w)
{
    const WinrateOptions *o = w->options;
    json_t *about =
        stage_about(&winrate_table, o, &o->common, "judge", w->source.hash, "prompts", w->prompts_hash, NULL);
    if (o->reward) /* named only where there is one: what was judged without stays done */
        json_object_set_new(json_object_get(about, "hashes"), "reward", json_string(w->reward_hash));
    if (o->average == AVERAGE_PROBABILITY)
        json_object_del(json_object_get(about, "options"), "average");
    return eval_about(about);
}

bool winrate_stage(Work *work, const char *name, const void *options, Err *err)
{
    const WinrateOptions *o = options;
    Winrate w = {.options = o, .work = work};
    Rows rows = {0};
    Stage s = {0};
    bool ok = read_asked(&w, err) && match_rows(work, o->a, o->b, o->limit, o->skip_bad, &rows, err) &&
              heldout_check(work, &rows, &o->trained_on, err) &&
              stage_begin(&s, work, name, "eval winrate", about_of(&w), err) &&
              stage_rows(&s, &rows, chunk_rows(&rows), "prompts", prepare, judge_chunk, &w, err) &&
              summarise(&s, &w, err);
    if (ok && !work->in_recipe && !(o->output && strcmp(o->output, "-") == 0))
        print_table(o, s.summary);
    ok = ok && stage_end(&s, NULL, err) && (!o->output || stage_deliver(&s, o->output, err));
    if (ok)
        judge_source_report(&w.source, work, name);
    winrate_release(&w);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
