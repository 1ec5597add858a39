/* A recipe's evaluations against its trainings, ahead of both. */
#include "rlaif/recipe/heldout.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/stage/heldout.h"

/* What a stage does with the prompts of the rows that an option names. */
typedef enum Role {
    FEEDS,    /* its own rows have them */
    TRAINS,   /* trains on them, or labels them */
    CHOOSES,  /* chooses a model by them */
    MEASURES, /* what itself trains on may not be among them */
    SELECTS,  /* nor what any stage before it trains on */
    EVALUATES /* nor what it chooses by */
} Role;

typedef struct Use {
    const char *kind, *option;
    Role role;
    const char *where; /* only where this option has a value other than 0 */
} Use;

static const Use uses[] = {
    {"sample", "prompts", FEEDS, NULL},
    {"score", "rows", FEEDS, NULL},
    {"label", "pairs", FEEDS, NULL},
    {"label", "from", FEEDS, NULL},
    {"label", "pairs", TRAINS, NULL},
    {"label", "from", TRAINS, NULL},
    {"label", "choose-on", TRAINS, NULL},
    {"label", "fit", TRAINS, NULL},
    {"sft", "data", TRAINS, NULL},
    {"reward", "pairs", TRAINS, NULL},
    {"rl", "prompts", TRAINS, NULL},
    {"sft", "eval", MEASURES, NULL},
    {"reward", "eval", MEASURES, NULL},
    {"rl", "eval", MEASURES, NULL},
    {"sft", "eval", CHOOSES, "early-stop"},
    {"reward", "eval", CHOOSES, "early-stop"},
    {"rl", "eval", CHOOSES, "eval-every"},
    {"choose", "prompts", CHOOSES, NULL},
    {"choose", "prompts", SELECTS, NULL},
    {"eval accuracy", "pairs", EVALUATES, NULL},
    {"eval winrate", "prompts", EVALUATES, NULL},
    {"eval winrate", "policy", EVALUATES, NULL},
    {"eval harmless", "rows", EVALUATES, NULL},
    {"eval probes", "rows", EVALUATES, NULL},
};

typedef struct Planned {
    char *kind, *name;
    json_t *options;
} Planned;

struct RecipePrompts {
    Planned *stage;
    int n, cap;
    json_t *products; /* path -> number of the stage that makes it */
    json_t *read;     /* "path\nlimit" -> {hash of a prompt: place}, or null: it cannot be read */
};

/* Rows that a use names: a file's first so many (0: all). */
typedef struct Source {
    const char *path;
    int limit;
} Source;

RecipePrompts *recipe_prompts_new(void)
{
    RecipePrompts *p = mem_zalloc(1, sizeof *p);
    p->products = json_object();
    p->read = json_object();
    return p;
}

void recipe_prompts_free(RecipePrompts *p)
{
    for (int i = 0; p && i < p->n; i++) {
        free(p->stage[i].kind);
        free(p->stage[i].name);
        json_decref(p->stage[i].options);
    }
    if (p) {
        free(p->stage);
        json_decref(p->products);
        json_decref(p->read);
    }
    free(p);
}

void recipe_prompts_stage(RecipePrompts *p, const char *kind, const char *name, const OptionTable *table,
                          const void *options)
{
    p->stage = MEM_GROW(p->stage, p->n, p->cap);
    p->stage[p->n++] = (Planned){mem_str(kind), mem_str(name), options_json(table, options, true)};
}

void recipe_prompts_product(RecipePrompts *p, const char *path)
{
    json_object_set_new(p->products, path, json_integer(p->n - 1));
}

/* --- from a stage's option to a file -------------------------------------------------------------------- */

/* A win rate is of its policy's rows where that names some, else of its prompts. */
static bool is_used(const Planned *s, const Use *u)
{
    const char *policy = json_text_of(s->options, "policy");
    if (strcmp(s->kind, u->kind) != 0 || (u->where && json_number_of(s->options, u->where, 0) == 0))
        return false;
    if (u->role == TRAINS && json_text_of(s->options, "subset")) /* which rows it draws is not known here */
        return false;
    return strcmp(s->kind, "eval winrate") != 0 ||
           (strcmp(u->option, "policy") == 0) == (policy && str_starts(policy, "stage:"));
}

/* How many rows of the option are read; 0: all. */
static int limit_of(const Planned *s, const Use *u)
{
    bool all = strcmp(u->option, "eval") == 0 || strcmp(u->option, "choose-on") == 0;
    return all ? 0 : (int)json_number_of(s->options, "limit", 0);
}

static int smaller_limit(int a, int b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

static const Planned *find_stage(const RecipePrompts *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->stage[i].name, name) == 0)
            return &p->stage[i];
    return NULL;
}

/* The i-th value of an option, NULL: there is none. */
static const char *value_of(const Planned *s, const char *option, size_t i)
{
    const json_t *value = json_object_get(s->options, option);
    return json_string_value(json_is_array(value) ? json_array_get(value, i) : i == 0 ? value : NULL);
}

static const Use *find_feed(const Planned *s)
{
    for (int u = 0; u < COUNT(uses); u++)
        if (uses[u].role == FEEDS && is_used(s, &uses[u]) && json_text_of(s->options, uses[u].option))
            return &uses[u];
    return NULL;
}

/* Follows "stage:NAME" to the file that its rows come from; false where that is not known, or not there yet. */
static bool find_source(const RecipePrompts *p, const char *value, int limit, int done, Source *out)
{
    for (int hops = 0; str_starts(value, "stage:"); hops++) {
        const Planned *s = find_stage(p, value + strlen("stage:"));
        const Use *feed = s ? find_feed(s) : NULL;
        if (!feed || hops == p->n)
            return false;
        value = json_text_of(s->options, feed->option);
        limit = smaller_limit(limit, limit_of(s, feed));
    }
    *out = (Source){value, limit};
    /* what can be read but once is left to its stage */
    return !file_is_once(value) && json_number_of(p->products, value, -1) < done;
}

/* --- comparing ------------------------------------------------------------------------------------------ */

/* The places of a source's prompts by their hashes, borrowed; NULL where the rows cannot be read. */
static const json_t *prompts_of(RecipePrompts *p, Work *work, Source s)
{
    char *key = mem_printf("%s\n%d", s.path, s.limit);
    json_t *index = json_object_get(p->read, key);
    if (!index) {
        Rows rows;
        Err unread = {0};
        bool ok = stage_read_rows(work, s.path, s.limit, NEED_CONTEXT, false, &rows, &unread);
        index = ok ? heldout_index(&rows) : json_null();
        json_object_set_new(p->read, key, index);
        rows_release(&rows);
    }
    free(key);
    return json_is_object(index) ? index : NULL;
}

/* The prompts `held` for a stage against those that another uses. */
static bool check_two(const Planned *s, const json_t *held, const Planned *user, const json_t *used, Err *err)
{
    void *at = json_object_iter((json_t *)(uintptr_t)held);
    for (; at; at = json_object_iter_next((json_t *)(uintptr_t)held, at)) {
        const char *place = json_text_of(used, json_object_iter_key(at));
        if (!place)
            continue;
        char *where = mem_printf("%s, which the stage \"%s\" uses", place, user->name);
        heldout_refuse(json_string_value(json_object_iter_value(at)), where, err);
        free(where);
        return err_context(err, "the stage \"%s\" would fail", s->name);
    }
    return true;
}

/* One value of an option of the stage `at` against all that another stage uses. */
static bool check_user(RecipePrompts *p, Work *work, int at, Role role, const json_t *held, int user, int done,
                       Err *err)
{
    const Planned *s = &p->stage[user];
    for (int u = 0; u < COUNT(uses); u++) {
        bool counts = uses[u].role == TRAINS || (uses[u].role == CHOOSES && role == EVALUATES);
        const char *value;
        for (size_t i = 0; counts && is_used(s, &uses[u]) && (value = value_of(s, uses[u].option, i)); i++) {
            Source source;
            const json_t *used =
                find_source(p, value, limit_of(s, &uses[u]), done, &source) ? prompts_of(p, work, source) : NULL;
            if (used && !check_two(&p->stage[at], held, s, used, err))
                return false;
        }
    }
    return true;
}

bool recipe_prompts_check(RecipePrompts *p, Work *work, int done, Err *err)
{
    for (int at = done; at < p->n; at++)
        for (int u = 0; u < COUNT(uses); u++) {
            const Planned *s = &p->stage[at];
            const char *value;
            if (uses[u].role < MEASURES || !is_used(s, &uses[u]))
                continue;
            for (size_t i = 0; (value = value_of(s, uses[u].option, i)); i++) {
                Source source;
                const json_t *held =
                    find_source(p, value, limit_of(s, &uses[u]), done, &source) ? prompts_of(p, work, source) : NULL;
                int from = uses[u].role == MEASURES ? at : 0, end = uses[u].role == MEASURES ? at + 1 : at;
                for (int user = from; held && user < end; user++)
                    if (!check_user(p, work, at, uses[u].role, held, user, done, err))
                        return false;
            }
        }
    return true;
}
