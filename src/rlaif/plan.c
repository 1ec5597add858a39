/* Plans of stages: rows are read or assumed, the stage opened on a hollow device and asked. */
#include "rlaif/plan.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "rlaif/label/label.h"
#include "rlaif/label/plan.h"
#include "rlaif/learn/reward.h"
#include "rlaif/rl/rl.h"
#include "rlaif/stage/speed.h"

const Option plan_options[PLAN_OPTIONS] = {
    {"plan", OPT_CHOICE, AT(PlanOptions, stage), .choices = "nothing|label|reward|rl", .otherwise = "nothing",
     .help = "of a model: what the stage would take with it on this machine; nothing is loaded. In this:"},
    {"prompt-tokens", OPT_INT, AT(PlanOptions, prompt_tokens), 1, 1e6, "128", .with = "plan",
     .help = "tokens that a prompt is assumed to have"},
    {"reply-tokens", OPT_INT, AT(PlanOptions, reply_tokens), 1, 1e6, "128", .with = "plan",
     .help = "label, reward: and a response"},
    {"rows", OPT_TEXT, AT(PlanOptions, rows), .value = "FILE|N", .with = "plan",
     .help = "the rows that the stage is to read, or how many are assumed [as many as it takes at once]"},
    {"batch", OPT_TEXT, AT(PlanOptions, batch), .value = "N", .with = "plan", .help = "reward, rl: as their --batch"},
    {"samples", OPT_TEXT, AT(PlanOptions, samples), .value = "N", .with = "plan", .help = "rl: as its --samples"},
    {"max-new-tokens", OPT_TEXT, AT(PlanOptions, max_new_tokens), .value = "N", .with = "plan",
     .help = "rl: as its --max-new-tokens"},
    {"baseline", OPT_TEXT, AT(PlanOptions, baseline), .value = "NAME", .with = "plan", .help = "rl: as its --baseline"},
    {"optimizer", OPT_TEXT, AT(PlanOptions, optimizer), .value = "NAME", .with = "plan",
     .help = "reward, rl: as their --optimizer"},
    {"lora", OPT_TEXT, AT(PlanOptions, lora), .value = "R", .with = "plan", .help = "reward, rl: as their --lora"},
    {"memory", OPT_TEXT, AT(PlanOptions, memory), .value = "SIZE", .with = "plan",
     .help = "reward, rl: as their --memory"},
    {"weights", OPT_TEXT, AT(PlanOptions, weights), .value = "file|f32", .with = "plan",
     .help = "as the stage's --weights"},
    {"reward", OPT_TEXT, AT(PlanOptions, reward), .value = "MODEL", .with = "plan",
     .help = "rl: the reward model, or what it will be trained from [PATH]; label: the reward model that judges"},
    {"judge", OPT_TEXT, AT(PlanOptions, judge), .value = "MODEL", .with = "plan",
     .help = "rl: a direct judge, as its --judge"},
    {"prompt", OPT_TEXT, AT(PlanOptions, prompt), .value = "NAME|FILE", .with = "plan",
     .help = "label, rl: the judge's prompt"},
    {"set", OPT_LIST, AT(PlanOptions, set), .value = "KEY=VALUE", .with = "plan",
     .help = "any other option of the stage"},
};

static const struct Planned {
    const char *name;
    const OptionTable *table;
    bool (*needs)(Work *work, const void *options, Rows *rows, Needs *n, Effort *e, Err *err);
    RowNeed need;
    int least;               /* rows, where they are not said */
    const char *work, *unit; /* what the time is for */
} planned[] = {
    [PLAN_LABEL] = {"label", &label_table, label_needs, NEED_PAIR, 2 * LABEL_CHUNK, "labelling", "pairs"},
    [PLAN_REWARD] = {"reward", &reward_table, reward_needs, NEED_PAIR, 32, "training on and rewarding", "pairs"},
    [PLAN_RL] = {"rl", &rl_table, rl_plan_needs, NEED_PROMPT, 1, "a step of", "prompts"},
};

typedef struct Plan {
    const struct Planned *stage;
    const char *model;
    const PlanOptions *asked;
    void *options; /* of the stage */
    Work work;     /* on a hollow device */
    Rows rows;
    Effort effort;
    bool assumes_reward; /* rl: a reward model that is trained from this model */
} Plan;

/* --- options --- */

static int *batch_of(Plan *p)
{
    return p->stage == &planned[PLAN_RL]       ? &((RlOptions *)p->options)->batch
           : p->stage == &planned[PLAN_REWARD] ? &((RewardOptions *)p->options)->batch
                                               : NULL;
}

static bool set_one(Plan *p, const char *assignment, Err *err)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return err_set(err, ERR_USAGE, "command line: --set \"%s\" cannot be used", assignment),
               err_hint(err, "write --set OPTION=VALUE");
    char *key = mem_strn(assignment, (size_t)(equals - assignment));
    bool ok = options_set(p->stage->table, p->options, key, equals + 1, "command line", err);
    free(key);
    return ok;
}

/* What was given for it as a text, or NULL. */
static const char *text_of(const PlanOptions *o, const Option *option)
{
    return option->type == OPT_TEXT ? *(const char *const *)(const void *)((const char *)o + option->at) : NULL;
}

/* What was given for the stage's own options. */
static bool settle_options(Plan *p, Err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < PLAN_OPTIONS; i++) {
        const Option *o = &plan_options[i];
        const char *value = text_of(p->asked, o);
        if (value && strcmp(o->name, "rows") != 0)
            ok = options_set(p->stage->table, p->options, o->name, value, "command line", err);
    }
    for (int i = 0; ok && i < p->asked->set.n; i++)
        ok = set_one(p, p->asked->set.item[i], err);
    if (p->stage != &planned[PLAN_LABEL] || !((LabelOptions *)p->options)->reward)
        options_put(p->stage->table, p->options, "model", p->model);
    const RlOptions *rl = p->stage == &planned[PLAN_RL] ? p->options : NULL;
    p->assumes_reward = rl && !rl->reward && !rl->judge && !rl->rewards.yaml && !rl->endpoint.url;
    if (p->assumes_reward)
        options_put(p->stage->table, p->options, "reward", p->model);
    return ok;
}

/* --- rows --- */

/* A text of about n tokens, drawn from a few words by its number. The caller frees it. */
static bool add_text(Str *out, const Tokenizer *t, int n, int number, Err *err)
{
    static const char *const list[] = {"my",    "sister",   "said",   "that",  "the",   "neighbour", "never",
                                       "asked", "before",   "he",     "took",  "our",   "bicycle",   "and",
                                       "now",   "everyone", "is",     "angry", "about", "it",        "though",
                                       "I",     "only",     "wanted", "some",  "quiet", "advice"};
    const RngKey key = {.purpose = RNG_SAMPLE, .row = (uint64_t)number};
    for (int tokens = 0, i = 0; tokens < n; i++) {
        char word[32];
        Ids ids = {0};
        snprintf(word, sizeof word, "%s%s", i ? " " : "", list[rng_below(key, (uint64_t)i, COUNT(list))]);
        if (!tokenizer_encode(t, word, strlen(word), TOKENIZE_BARE, &ids, err))
            return false;
        str_add(out, word);
        tokens += ids.n > 0 ? ids.n : 1;
        ids_release(&ids);
    }
    return true;
}

static bool assume_rows(Plan *p, int n, Err *err)
{
    Model *m;
    Str s = {0};
    if (!model_load_text(&m, p->model, 0, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        str_add(&s, "{\"prompt\": \"");
        ok = add_text(&s, m->tokenizer, p->asked->prompt_tokens, 3 * i, err);
        for (int k = 1; ok && k < 3; k++) {
            str_add(&s, k == 1 ? "\", \"label\": {\"p\": 0.7}, \"responses\": [\"" : "\", \"");
            ok = add_text(&s, m->tokenizer, p->asked->reply_tokens, 3 * i + k, err);
        }
        str_add(&s, "\"]}\n");
    }
    ok = ok && rows_parse(&p->rows, "rows assumed by --prompt-tokens and --reply-tokens", str_text(&s), s.n, 0, err);
    str_release(&s);
    model_free(m);
    return ok;
}

/* Those of a file, or so many that are assumed; *n: how many, 0 where they are a file's. */
static bool take_rows(Plan *p, int *n, Err *err)
{
    const char *rows = p->asked->rows;
    int batch = batch_of(p) ? *batch_of(p) : 0;
    *n = p->stage->least > batch ? p->stage->least : batch;
    if (rows) {
        char *end;
        long said = strtol(rows, &end, 10);
        *n = *end || said < 1 || said > 1000000 ? 0 : (int)said;
    }
    return (*n ? assume_rows(p, *n, err) : rows_read(&p->rows, rows, 0, false, err)) &&
           rows_view(&p->rows, p->stage->need, false, err);
}

/* --- the plan --- */

static bool needs_of(void *self, int batch, Needs *n, Err *err)
{
    Plan *p = self;
    if (batch_of(p))
        *batch_of(p) = batch;
    return p->stage->needs(&p->work, p->options, &p->rows, n, &p->effort, err);
}

/* Seconds, by what products reach here. */
static bool time_of(const Plan *p, Device *d, bool again, double *seconds, Err *err)
{
    const Effort *e = &p->effort;
    ModelConfig c;
    size_t bytes;
    const struct {
        double flops;
        int rows;
        bool backward;
    } kinds[] = {
        {e->scored, 512, false}, {e->drawn, e->at_once, false}, {e->trained * (again ? 4.0 / 3 : 1), 512, true}};
    *seconds = 0;
    bool ok = model_bytes(p->model, 0, &bytes, &c, err);
    for (int i = 0; ok && i < COUNT(kinds); i++) {
        double rate;
        if (kinds[i].flops <= 0)
            continue;
        ok = speed_of_layers(&rate, d, &c, kinds[i].rows, kinds[i].backward, err);
        *seconds += ok ? kinds[i].flops / rate : 0;
    }
    return ok;
}

/* Asks the stage, as it asks itself; what does not fit is a part of the answer. */
static bool ask(Plan *p, json_t *out, Keep *keep, Err *err)
{
    Needs n = {0};
    Err refusal = {0};
    int batch = batch_of(p) ? *batch_of(p) : 0;
    double memory = p->stage == &planned[PLAN_RL]       ? ((RlOptions *)p->options)->train.memory
                    : p->stage == &planned[PLAN_REWARD] ? ((RewardOptions *)p->options)->train.memory
                                                        : 0;
    *keep = KEEP_ALL;
    if (!needs_of(p, batch, &n, err))
        return false;
    const Budget b = {needs_of, p, batch, memory};
    const Effort effort = p->effort;
    bool fits = batch ? needs_settle(&b, p->stage->name, ".", out, keep, &refusal)
                      : needs_check(&n, p->stage->name, ".", out, &refusal);
    if (!fits && refusal.code != ERR_MEMORY && refusal.code != ERR_IO)
        return *err = refusal, false;
    if (*keep == KEEP_INPUTS)
        needs_again(&n);
    if (batch) /* smaller ones may have been tried */
        *batch_of(p) = batch;
    p->effort = effort;
    json_object_set_new(out, "parts", needs_json(&n));
    json_object_set_new(out, "layers_again", json_boolean(*keep == KEEP_INPUTS));
    json_object_set_new(out, "allowed_bytes", json_integer((json_int_t)needs_limit(memory)));
    json_object_set_new(out, "disk_bytes", json_integer((json_int_t)n.disk));
    json_object_set_new(out, "fits", json_boolean(fits));
    if (!fits) {
        json_object_set_new(out, "refusal", json_string(refusal.msg));
        json_object_set_new(out, "remedy", json_string(refusal.hint));
    }
    return true;
}

static bool run(Plan *p, Device *d, json_t *out, Err *err)
{
    int n;
    Keep keep;
    double seconds;
    if (!settle_options(p, err) || !take_rows(p, &n, err))
        return false;
    const CommonOptions *common = p->options; /* the first member of every options struct */
    p->work.device->library->packed = common->weights == 0;
    json_object_set_new(out, "rows", json_integer(p->rows.n));
    if (n) {
        json_object_set_new(out, "prompt_tokens", json_integer(p->asked->prompt_tokens));
        json_object_set_new(out, "reply_tokens",
                            json_integer(p->stage == &planned[PLAN_RL] ? ((RlOptions *)p->options)->max_new_tokens
                                                                       : p->asked->reply_tokens));
    }
    if (batch_of(p))
        json_object_set_new(out, "batch", json_integer(*batch_of(p)));
    if (p->stage == &planned[PLAN_RL]) {
        json_object_set_new(out, "samples", json_integer(((RlOptions *)p->options)->samples));
        json_object_set_new(out, "reward_model", json_string(p->assumes_reward ? "assumed" : "given"));
    }
    if (!ask(p, out, &keep, err) || !time_of(p, d, keep == KEEP_INPUTS, &seconds, err))
        return false;
    json_object_set_new(out, "seconds", json_real(seconds));
    json_object_set_new(out, "seconds_of",
                        json_sprintf("%s %d %s", p->stage->work,
                                     p->stage == &planned[PLAN_RL] ? *batch_of(p) : p->rows.n, p->stage->unit));
    return true;
}

bool plan_stage(json_t **out, Work *work, const char *model, const PlanOptions *o, Err *err)
{
    const struct Planned *stage = &planned[o->stage];
    Library library = {0};
    Device hollow = {.kernels = work->device->kernels,
                     .level = work->device->level,
                     .threads = work->device->threads,
                     .library = &library,
                     .hollow = true};
    Plan p = {.stage = stage, .model = model, .asked = o, .options = options_new(stage->table), .work = *work};
    p.work.device = &hollow;
    *out = json_pack("{s:s}", "stage", stage->name);
    bool ok = run(&p, work->device, *out, err);
    if (!ok) {
        json_decref(*out);
        *out = NULL;
    }
    rows_release(&p.rows);
    options_free(stage->table, p.options);
    return ok;
}
