/* Samples. */
#include "rlaif/rl/sample.h"

#include "base/mem.h"
#include "rlaif/rows/probes.h"
#include "rlaif/stage/option_rows.h"

const Option sampling_options[SAMPLING_OPTIONS] = {
    {"temperature", OPT_REAL, AT(SamplingOptions, temperature), 0.01, 100, "0.9",
     .help = "of the draw; log-probabilities are always at 1"},
    {"top-k", OPT_INT, AT(SamplingOptions, top_k), 0, 1e9, "0", .help = "draw from the k best tokens only; 0: all"},
    {"top-p", OPT_REAL, AT(SamplingOptions, top_p), 0.0001, 1, "1",
     .help = "draw from the fewest tokens of this mass, after top-k"},
    {"max-new-tokens", OPT_INT, AT(SamplingOptions, max_new_tokens), 1, 1e6, "128", .help = "longest response"},
    {"greedy", OPT_BOOL, AT(SamplingOptions, greedy), .help = "always the best token"},
};

Sampling sampling_of(const SamplingOptions *o)
{
    return (Sampling){.greedy = o->greedy,
                      .temperature = o->temperature,
                      .top_k = o->top_k,
                      .top_p = o->top_p,
                      .max_new_tokens = o->max_new_tokens};
}

static const Option option_rows[] = {
    {"prompts", OPT_TEXT, AT(SampleOptions, prompts), .value = "PROMPTS",
     .flags = OPT_POSITIONAL | OPT_REQUIRED | OPT_WORKING, .help = "rows with a prompt"},
    {"model", OPT_TEXT, AT(SampleOptions, model), .value = "MODEL", .flags = OPT_REQUIRED | OPT_WORKING,
     .help = "the policy"},
    OUTPUT_ROWS_OPTION(SampleOptions, "rows with responses; standard output if not given"),
    {"n", OPT_INT, AT(SampleOptions, n), 1, 10000, "1", .help = "responses a prompt; of 2 or more label makes pairs"},
    TRUNCATE_OPTION(
        SampleOptions,
        "of a prompt that the model's context has no room for: none, it is refused; or words at one end of it"),
    {"strip-trailing", OPT_BOOL, AT(SampleOptions, strip_trailing),
     .help = "take superfluous symbols off the ends of responses, and count where there were any"},
    CHAT_OPTION(SampleOptions, "through the model's chat template; auto: if it has one"),
    LIMIT_OPTION(SampleOptions, "rows"),
    SKIP_BAD_OPTION(SampleOptions, ""),
};
static const OptionGroup groups[] = {
    {option_rows, COUNT(option_rows), 0},
    {sampling_options, SAMPLING_OPTIONS, AT(SampleOptions, sampling)},
    {common_options, RENDER_OPTIONS, AT(SampleOptions, common)},
};
const OptionTable sample_table = {groups, COUNT(groups), sizeof(SampleOptions)};

enum { CHUNK_RESPONSES = 128 }; /* responses that are made and stored together, about */

typedef struct Sampler {
    const SampleOptions *options;
    Work *work;
    Model *model;
    bool chat;
    char model_hash[HASH_TEXT];
} Sampler;

static bool prepare(void *context, Err *err)
{
    Sampler *s = context;
    return work_model(&s->model, s->options->model, s->work, HEAD_LM, err) &&
           render_chat(s->model, (ChatMode)s->options->chat, &s->chat, err);
}

char *response_text(const Model *m, const Response *r)
{
    Str bytes = {0}, text = {0};
    tokenizer_decode(m->tokenizer, r->ids.id, r->ids.n, TOKENIZE_BARE, &bytes);
    str_add_utf8(&text, str_text(&bytes), bytes.n);
    str_release(&bytes);
    return str_take(&text);
}

/* Does the row's prompt alone say what it was read as? */
static bool has_prompt(const json_t *row, const Context *context)
{
    Context c = {0};
    Err none = {0};
    const json_t *prompt = json_field(row, "prompt");
    bool same = prompt && context_read(prompt, "prompt", &c, &none) && context_same(&c, context);
    context_release(&c);
    return same;
}

/* The row without what it says of other responses: beside the new ones that would be read as theirs. A transcript whose own text
 * its turns do not give is its text, where that was the prompt. */
static json_t *without_responses(const Row *row, bool chat)
{
    static const char *const names[] = {"response", "responses", "ended",       "stripped",    "preferred",
                                        "label",    "score",     "judgment",    "score_cut",   "harmless",
                                        "models",   "chosen",    "rejected",    "summaries",   "choice",
                                        "group",    "of",        "rewards_cut", "helpfulness", "blank_before"};
    json_t *out = json_copy(row->json);
    row_drop_comparison(out);
    for (int i = 0; i < COUNT(names); i++)
        json_object_del(out, names[i]);
    if (!has_prompt(out, &row->view.context))
        json_object_set_new(out, "prompt", chat ? context_json(&row->view.context) : context_exact(&row->view.context));
    return out;
}

/* Says in the row how texts that were drawn without chat are read again to the same ids: with the blank that they begin with
 * before them, where the prompt's row keeps its own text so; else as they are. */
static void settle_blank(json_t *out, const Row *row, char **text, int n)
{
    Context context = {0};
    Err none = {0};
    bool apart = json_bool_of(row->json, "blank_before", false), usual = true;
    if (!context_read(json_object_get(out, "prompt"), "prompt", &context, &none))
        context = context_copy(&row->view.context);
    for (int i = 0; i < n; i++) {
        apart = apart && *text[i] == ' ';
        usual = usual && !blank_before(&context, text[i]);
    }
    context_release(&context);
    for (int i = 0; apart && i < n; i++)
        memmove(text[i], text[i] + 1, strlen(text[i]));
    if (apart || !usual)
        json_object_set_new(out, "blank_before", json_boolean(apart));
}

/* Takes the text over; says in the list whether it had anything to take off. */
static char *strip(char *text, json_t *stripped)
{
    char *trimmed = response_trimmed(text);
    json_array_append_new(stripped, json_boolean(strcmp(trimmed, text) != 0));
    free(text);
    return trimmed;
}

static json_t *sampled_row(const Sampler *s, const Row *row, const Response *r, int cut)
{
    json_t *out = without_responses(row, s->chat), *responses = json_array(), *ended = json_array(),
           *stripped = json_array();
    int n = s->options->n;
    char **text = mem_alloc((size_t)n, sizeof *text);
    for (int i = 0; i < n; i++) {
        text[i] = response_text(s->model, &r[i]);
        if (s->options->strip_trailing)
            text[i] = strip(text[i], stripped);
    }
    if (!s->chat)
        settle_blank(out, row, text, n);
    for (int i = 0; i < n; i++) {
        json_array_append_new(responses, json_take_text(text[i]));
        json_array_append_new(ended, json_boolean(r[i].ended));
    }
    free(text);
    bool one = n == 1;
    json_object_set(out, one ? "response" : "responses", one ? json_array_get(responses, 0) : responses);
    json_object_set(out, "ended", one ? json_array_get(ended, 0) : ended);
    if (s->options->strip_trailing)
        json_object_set(out, "stripped", one ? json_array_get(stripped, 0) : stripped);
    if (cut > 0)
        json_object_set_new(out, "cut", json_integer(cut));
    json_decref(responses);
    json_decref(ended);
    json_decref(stripped);
    char *model = mem_printf("sha256:%s", s->model_hash);
    json_object_set_new(out, "model", json_string(model));
    free(model);
    return out;
}

static bool render_prompts(const Sampler *s, const Rows *rows, const int *index, int n, Ids *prompt, int *cut, Err *err)
{
    Room room = {.rule = (CutRule)s->options->truncate, .after = s->options->sampling.max_new_tokens};
    for (int i = 0; i < n; i++) {
        char place[300];
        Context context = context_copy(&rows->row[index[i]].view.context);
        bool ok = cut_prompt(s->model, &context, s->chat, room, &cut[i], err) &&
                  render_context(s->model, &context, s->chat, &prompt[i], err);
        context_release(&context);
        if (!ok)
            return err_context(err, "%s", row_place(rows, index[i], place));
    }
    return true;
}

static bool sample_chunk(void *context, const Rows *rows, const int *index, int n, json_t **out, Err *err)
{
    Sampler *s = context;
    int each = s->options->n, *cut = mem_zalloc((size_t)n, sizeof *cut);
    Ids *prompt = mem_zalloc((size_t)n, sizeof *prompt);
    Response *r = mem_zalloc((size_t)(n * each), sizeof *r);
    Sampling how = sampling_of(&s->options->sampling);
    bool ok = render_prompts(s, rows, index, n, prompt, cut, err);
    for (int i = 0; ok && i < n * each; i++) {
        RngKey key = {.seed = (uint64_t)s->options->common.seed,
                      .purpose = RNG_SAMPLE,
                      .row = rows->row[index[i / each]].identity,
                      .sample = (uint32_t)(i % each)};
        r[i] = (Response){.prompt = prompt[i / each].id, .n_prompt = prompt[i / each].n, .key = key};
    }
    ok = ok && generate(s->model, r, n * each, &how, NULL, NULL, err);
    for (int i = 0; ok && i < n; i++)
        out[i] = sampled_row(s, &rows->row[index[i]], &r[i * each], cut[i]);
    for (int i = 0; i < n * each; i++)
        response_release(&r[i]);
    for (int i = 0; i < n; i++)
        ids_release(&prompt[i]);
    free(r);
    free(prompt);
    free(cut);
    return ok;
}

/* Share of responses that ended, and their mean length in characters, from the stored rows. */
typedef struct SampleSums {
    double n, ended, characters, stripped;
    CutCount cut;
} SampleSums;

static bool add_sample(void *context, json_t *j, Err *err)
{
    SampleSums *s = context;
    RowView v;
    bool ok = row_view(j, NEED_RESPONSES, &v, err);
    for (int i = 0; ok && i < v.n; i++) {
        s->n++;
        s->ended += v.response[i].ended;
        s->characters += (double)strlen(v.response[i].text);
    }
    cut_count(&s->cut, (int)json_number_of(j, "cut", 0));
    const json_t *stripped = json_object_get(j, "stripped");
    s->stripped += json_is_true(stripped);
    for (size_t i = 0; i < json_array_size(stripped); i++)
        s->stripped += json_is_true(json_array_get(stripped, i));
    if (ok)
        row_view_release(&v);
    return ok;
}

bool sample_stage(Work *work, const char *name, const void *options, Err *err)
{
    const SampleOptions *o = options;
    Sampler sampler = {.options = o, .work = work};
    Rows rows = {0};
    Stage s = {0};
    SampleSums sums = {0};
    int chunk = CHUNK_RESPONSES / o->n > 0 ? CHUNK_RESPONSES / o->n : 1;
    bool ok = model_hash(o->model, work->store, sampler.model_hash, err) &&
              stage_read_rows(work, o->prompts, o->limit, NEED_PROMPT, o->skip_bad, &rows, err) &&
              stage_begin(&s, work, name, "sample",
                          stage_about(&sample_table, o, &o->common, "model", sampler.model_hash, NULL), err) &&
              stage_rows(&s, &rows, chunk, "prompts", prepare, sample_chunk, &sampler, err) &&
              store_items_each(work->store, s.id, store_json, &(StoreJson){add_sample, &sums}, err);
    if (ok) {
        json_object_set_new(s.summary, "prompts", json_integer(rows.n));
        json_object_set_new(s.summary, "responses", json_integer((json_int_t)sums.n));
        json_object_set_new(s.summary, "ended", json_real(sums.ended / sums.n));
        json_object_set_new(s.summary, "mean_characters", json_real(sums.characters / sums.n));
        cut_report(&sums.cut, name, s.summary);
        if (o->strip_trailing) {
            log_note("%s: symbols behind the end are taken off %.0f of %.0f responses", name, sums.stripped, sums.n);
            json_object_set_new(s.summary, "stripped", json_integer((json_int_t)sums.stripped));
        }
    }
    ok = ok && stage_end(&s, NULL, err) && stage_deliver(&s, o->output, err);
    model_free(sampler.model);
    rows_release(&rows);
    stage_release(&s);
    return ok;
}
