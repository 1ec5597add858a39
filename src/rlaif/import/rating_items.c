/* What people are to rate. */
#include "rlaif/import/rating_items.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "rlaif/stage/option_rows.h"

const Option rating_option_rows[RATING_OPTIONS] = {
    {"samples", OPT_LIST, AT(RatingOptions, samples), .value = "[NAME=]STAGE|FILE,...", .flags = OPT_WORKING,
     .help = "whose responses are rated, each a policy [the run's samples on prompts that it did not train on]"},
    LIMIT_OPTION(RatingOptions, "items, drawn by seed"),
};

const char *rating_kind(RatingKind kind)
{
    static const char *const name[] = {"rank", "harmless"};
    return name[kind];
}

void rating_items_release(RatingItems *r)
{
    for (int i = 0; i < r->n; i++)
        json_decref(r->key[i]);
    free(r->key);
    json_decref(r->index);
    *r = (RatingItems){0};
}

/* --- responses to one prompt, of all policies ----------------------------------------------------------- */

/* Prompts in order of appearance: object name -> {"prompt", "hash", "models": [...], "texts": [...], "scores": [...]}. */
typedef struct Gathering {
    json_t *prompts, *policies; /* policies: the names that have been met */
    RatingItems *out;
} Gathering;

/* What a judge or reward model said of the i-th response, or null. */
static json_t *score_of(const Row *row, int i)
{
    const json_t *score = json_object_get(row->json, "score");
    if (json_is_array(score))
        score = json_array_get(score, (size_t)i);
    return json_is_number(score) ? json_real(json_number_value(score)) : json_null();
}

/* The i-th response of a row, written by a model. */
static bool add_response(Gathering *g, const char *name, const Row *row, int i, const char *model, Err *err)
{
    json_t *p = json_object_get(g->prompts, name);
    if (!p) {
        char hash[HASH_TEXT];
        context_hash(&row->view.context, hash);
        p = json_pack("{s:o, s:s, s:[], s:[], s:[]}", "prompt", context_json(&row->view.context), "hash", hash,
                      "models", "texts", "scores");
        json_object_set_new(g->prompts, name, p);
    }
    json_array_append_new(json_object_get(p, "models"), json_string(model));
    json_array_append_new(json_object_get(p, "texts"), json_string(row->view.response[i].text));
    json_array_append_new(json_object_get(p, "scores"), score_of(row, i));
    return json_array_size(json_object_get(p, "texts")) <= MOST_TEXTS ||
           (err_set(err, ERR_INPUT, "more than %d responses to one prompt are to be ranked", MOST_TEXTS),
            err_hint(err, "choose fewer policies with --samples"));
}

/* A source's rows: of one policy, or with their own `models`. The n-th row of a prompt goes with the n-th of others, and
 * the i-th response with the i-th. */
static bool add_rows(Gathering *g, const Rows *rows, const char *policy, int source, Err *err)
{
    json_t *seen = json_object();
    bool ok = true;
    for (int r = 0; ok && r < rows->n; r++) {
        const Row *row = &rows->row[r];
        const json_t *models = json_object_get(row->json, "models");
        char hash[HASH_TEXT];
        context_hash(&row->view.context, hash);
        json_int_t n = json_integer_value(json_object_get(seen, hash));
        json_object_set_new(seen, hash, json_integer(n + 1));
        for (int i = 0; ok && i < row->view.n; i++) {
            const char *model = json_string_value(json_array_get(models, (size_t)i));
            char *name = json_is_array(models) ? mem_printf("%d %d", source, r)
                                               : mem_printf("%s %" JSON_INTEGER_FORMAT " %d", hash, n, i);
            ok = add_response(g, name, row, i, model ? model : policy, err);
            free(name);
        }
    }
    json_decref(seen);
    return ok;
}

/* --- sources -------------------------------------------------------------------------------------------- */

/* Rows of a stage of the run, or of a file, as a policy's. */
static bool add_source(Gathering *g, Work *work, const char *name, const char *what, int number, Err *err)
{
    StageRow stage;
    bool present = false;
    Rows rows = {0};
    if (json_object_get(g->policies, name))
        return err_set(err, ERR_INPUT, "two policies are called \"%s\"", name),
               err_hint(err, "give them names: --samples before=%s,after=...", what);
    json_object_set_new(g->policies, name, json_true());
    if (work->store && !store_stage_find(work->store, what, &stage, &present, err))
        return false;
    if (present)
        stage_row_release(&stage);
    char *source = mem_printf("%s%s", present ? "stage:" : "", what);
    bool ok =
        stage_read_rows(work, source, 0, NEED_RESPONSES, false, &rows, err) && add_rows(g, &rows, name, number, err);
    rows_release(&rows);
    free(source);
    return ok;
}

/* [NAME=]STAGE|FILE; without a name it is the stage's, or the file's without its endings. */
static bool add_given(Gathering *g, Work *work, const char *given, int number, Err *err)
{
    const char *equals = strchr(given, '='), *what = equals ? equals + 1 : given;
    char *name = equals ? mem_strn(given, (size_t)(equals - given)) : mem_str(path_base(what));
    char *dot = equals ? NULL : strchr(name, '.');
    if (dot && dot > name)
        *dot = 0;
    bool ok = add_source(g, work, name, what, number, err);
    free(name);
    return ok;
}

/* Is the stage one of samples on prompts none of which the run trained on, labelled or chose by? */
static bool is_held_out(Work *work, const char *stage, bool *held_out, Err *err)
{
    char *source = mem_printf("stage:%s", stage), *used = NULL;
    Rows rows = {0};
    bool ok = stage_read_rows(work, source, 0, NEED_RESPONSES, false, &rows, err);
    for (int i = 0; ok && !used && i < rows.n; i++) {
        char hash[HASH_TEXT];
        context_hash(&rows.row[i].view.context, hash);
        ok = store_context_find(work->store, hash, true, &used, err);
    }
    *held_out = ok && !used;
    free(used);
    free(source);
    rows_release(&rows);
    return ok;
}

/* All such stages, those that another has made alike left out. */
static bool add_held_out(Gathering *g, Work *work, Err *err)
{
    json_t *identities = json_object();
    bool ok = true, present = true;
    for (int i = 0; ok && present; i++) {
        StageRow s;
        bool held_out = false;
        ok = store_stage_at(work->store, i, &s, &present, err);
        if (ok && present && s.done && strcmp(s.kind, "sample") == 0 && !json_object_get(identities, s.identity))
            ok = is_held_out(work, s.name, &held_out, err);
        if (ok && held_out) {
            json_object_set_new(identities, s.identity, json_true());
            ok = add_source(g, work, s.name, s.name, i, err);
        }
        stage_row_release(&s);
    }
    json_decref(identities);
    return ok;
}

/* --- items ---------------------------------------------------------------------------------------------- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The different texts of a prompt, in an order that does not depend on who wrote them. The caller frees the list; the
 * texts are the prompt's. */
static const char **different_texts(const json_t *texts, int *n)
{
    size_t all = json_array_size(texts);
    const char **text = mem_alloc(all + 1, sizeof *text);
    for (size_t i = 0; i < all; i++)
        text[i] = json_string_value(json_array_get(texts, i));
    qsort(text, all, sizeof *text, compare_texts);
    *n = 0;
    for (size_t i = 0; i < all; i++)
        if (*n == 0 || strcmp(text[*n - 1], text[i]) != 0)
            text[(*n)++] = text[i];
    return text;
}

/* An item of these texts; nothing where it is there already. */
static void add_item(RatingItems *out, const json_t *p, const char *const *text, int n)
{
    char id[HASH_TEXT];
    Hash *h = hash_new();
    hash_add_text(h, rating_kind(out->kind));
    hash_add_text(h, json_text_of(p, "hash"));
    for (int i = 0; i < n; i++)
        hash_add_text(h, text[i]);
    hash_end(h, id);
    if (json_object_get(out->index, id))
        return;
    RngKey key = {.seed = (uint64_t)out->seed, .purpose = RNG_RATING, .row = rng_row(id)};
    int order[MOST_TEXTS];
    rng_permutation(key, order, n);
    json_t *texts = json_array(), *models = json_array(), *shown = json_array(), *scores = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(texts, json_string(text[order[i]]));
    const json_t *all = json_object_get(p, "texts");
    for (size_t k = 0; k < json_array_size(all); k++)
        for (int i = 0; i < n; i++)
            if (strcmp(json_string_value(json_array_get(all, k)), text[order[i]]) == 0) {
                json_array_append(models, json_array_get(json_object_get(p, "models"), k));
                json_array_append(scores, json_array_get(json_object_get(p, "scores"), k));
                json_array_append_new(shown, json_integer(i));
            }
    out->key = mem_resize(out->key, (size_t)out->n + 1, sizeof *out->key);
    out->key[out->n] =
        json_pack("{s:s, s:s, s:O, s:o, s:o, s:o, s:o}", "item", id, "kind", rating_kind(out->kind), "prompt",
                  json_object_get(p, "prompt"), "texts", texts, "models", models, "shown", shown, "scores", scores);
    json_object_set_new(out->index, id, json_integer(out->n++));
}

static void make_items(Gathering *g)
{
    const char *name;
    json_t *p;
    json_object_foreach(g->prompts, name, p)
    {
        int n;
        const char **text = different_texts(json_object_get(p, "texts"), &n);
        bool single = json_array_size(json_object_get(p, "texts")) < 2;
        if (g->out->kind == RATING_RANK && n > 1)
            add_item(g->out, p, text, n);
        if (g->out->kind == RATING_RANK && n < 2 && !single)
            g->out->equal++;
        for (int i = 0; i < n && g->out->kind == RATING_HARMLESS; i++)
            add_item(g->out, p, text + i, 1);
        free(text);
    }
}

static size_t item_bytes(const json_t *key)
{
    size_t n = 0, i;
    json_t *text, *prompt = json_object_get(key, "prompt");
    json_array_foreach(json_object_get(key, "texts"), i, text) n += json_string_length(text);
    json_array_foreach(prompt, i, text) n += json_string_length(json_object_get(text, "content"));
    return n + json_string_length(prompt);
}

/* All items go onto one page. */
static bool check_size(const RatingItems *r, Err *err)
{
    size_t n = 0;
    for (int i = 0; i < r->n; i++)
        n += item_bytes(r->key[i]);
    return n <= MOST_PAGE ||
           err_set(err, ERR_INPUT, "%d items of %zu MB are too many for a page of at most %d MB", r->n, n >> 20,
                   MOST_PAGE >> 20) ||
           err_hint(err, "take fewer, drawn by seed: --limit 1000");
}

/* Items in random order, the first `limit` of them; 0: all. */
static void shuffle_items(RatingItems *r, int limit)
{
    RngKey key = {.seed = (uint64_t)r->seed, .purpose = RNG_RATING, .sample = 1};
    int *order = mem_alloc((size_t)r->n + 1, sizeof *order), kept = limit > 0 && limit < r->n ? limit : r->n;
    json_t **was = r->key;
    Hash *h = hash_new();
    rng_permutation(key, order, r->n);
    r->key = mem_alloc((size_t)r->n + 1, sizeof *r->key);
    json_object_clear(r->index);
    for (int i = 0; i < r->n; i++) {
        r->key[i] = was[order[i]];
        if (i >= kept) {
            json_decref(r->key[i]);
            continue;
        }
        json_object_set_new(r->index, json_text_of(r->key[i], "item"), json_integer(i));
        hash_add_text(h, json_text_of(r->key[i], "item"));
    }
    hash_end(h, r->page);
    r->n = kept;
    free(was);
    free(order);
}

bool rating_items_read(Work *work, const RatingOptions *o, RatingKind kind, int seed, RatingItems *out, Err *err)
{
    *out = (RatingItems){.kind = kind, .seed = seed, .index = json_object()};
    Gathering g = {json_object(), json_object(), out};
    bool ok = true;
    for (int i = 0; ok && i < o->samples.n; i++)
        ok = add_given(&g, work, o->samples.item[i], i, err);
    if (o->samples.n == 0)
        ok = add_held_out(&g, work, err);
    if (ok) {
        make_items(&g);
        shuffle_items(out, o->limit);
    }
    if (ok && out->n == 0) {
        ok = err_set(err, ERR_INPUT,
                     kind == RATING_RANK ? "there are no two policies' responses to the same prompt"
                                         : "there are no responses to mark");
        err_hint(err, "name stages or files with --samples; rlaif sample and eval winrate make responses");
    }
    ok = ok && check_size(out, err);
    json_decref(g.prompts);
    json_decref(g.policies);
    if (!ok)
        rating_items_release(out);
    return ok;
}

/* --- what is said --------------------------------------------------------------------------------------- */

json_t *rating_item_shown(const json_t *key)
{
    return json_pack("{s:O, s:O, s:O}", "id", json_object_get(key, "item"), "prompt", json_object_get(key, "prompt"),
                     "texts", json_object_get(key, "texts"));
}

static bool check_name(const char *name, Err *err)
{
    bool ok = name && name[0] && text_characters(name) <= MOST_NAME;
    for (const char *c = name; ok && *c; c++)
        ok = (unsigned char)*c >= 0x20 && *c != 0x7f;
    return ok || err_set(err, ERR_INPUT, "\"rater\" must be a name of 1 to %d characters", MOST_NAME);
}

/* Every place from 1 once. */
static bool check_ranks(const json_t *ranks, int n, Err *err)
{
    bool seen[MOST_TEXTS] = {false}, ok = json_is_array(ranks) && json_array_size(ranks) == (size_t)n;
    for (int i = 0; ok && i < n; i++) {
        const json_t *rank = json_array_get(ranks, (size_t)i);
        json_int_t place = json_is_integer(rank) ? json_integer_value(rank) : 0;
        ok = place >= 1 && place <= n && !seen[place - 1];
        if (ok)
            seen[place - 1] = true;
    }
    return ok || err_set(err, ERR_INPUT, "\"ranks\" must have every place from 1 to %d once", n);
}

static bool is_rank(const json_t *key)
{
    return strcmp(json_text_of(key, "kind"), rating_kind(RATING_RANK)) == 0;
}

/* "score" of the responses, where each has one. */
static void add_scores(json_t *row, const json_t *key, bool one)
{
    json_t *scores = json_object_get(key, "scores"), *score;
    bool all = json_array_size(scores) == json_array_size(json_object_get(key, "models"));
    size_t i;
    json_array_foreach(scores, i, score) all = all && json_is_number(score);
    if (all)
        json_object_set(row, "score", one ? json_array_get(scores, 0) : scores);
}

bool rating_row(const json_t *key, const json_t *said, json_t **row, Err *err)
{
    const json_t *texts = json_object_get(key, "texts"), *shown = json_object_get(key, "shown");
    json_t *ranks = json_object_get(said, "ranks"), *harmless = json_object_get(said, "harmless");
    int n = (int)json_array_size(texts);
    *row = NULL;
    if (!check_name(json_text_of(said, "rater"), err) || (is_rank(key) && !check_ranks(ranks, n, err)))
        return false;
    if (!is_rank(key) && !json_is_boolean(harmless))
        return err_set(err, ERR_INPUT, "\"harmless\" must be true or false");
    json_t *responses = json_array(), *places = json_array(), *models = json_object_get(key, "models");
    for (size_t i = 0; i < json_array_size(shown); i++) {
        size_t text = (size_t)json_integer_value(json_array_get(shown, i));
        json_array_append(responses, json_array_get(texts, text));
        json_array_append(places, is_rank(key) ? json_array_get(ranks, text) : harmless);
    }
    *row = json_pack("{s:O, s:O}", "item", json_object_get(key, "item"), "prompt", json_object_get(key, "prompt"));
    bool one = json_array_size(models) == 1;
    json_object_set(*row, one ? "response" : "responses", one ? json_array_get(responses, 0) : responses);
    json_object_set(*row, one ? "model" : "models", one ? json_array_get(models, 0) : models);
    json_object_set(*row, is_rank(key) ? "ranks" : "harmless", one ? json_array_get(places, 0) : places);
    add_scores(*row, key, one);
    json_object_set(*row, "rater", json_object_get(said, "rater"));
    json_decref(responses);
    json_decref(places);
    return true;
}

json_t *rating_said(const json_t *key, const json_t *row)
{
    const json_t *texts = json_object_get(key, "texts"), *responses = json_object_get(row, "responses"),
                 *value = json_object_get(row, is_rank(key) ? "ranks" : "harmless");
    if (!is_rank(key))
        return json_incref((json_t *)(uintptr_t)(json_is_array(value) ? json_array_get(value, 0) : value));
    json_t *ranks = json_array();
    for (size_t t = 0; t < json_array_size(texts); t++) /* by text: the policies may be others than they were then */
        for (size_t i = 0; i < json_array_size(responses); i++)
            if (json_equal(json_array_get(responses, i), json_array_get(texts, t))) {
                json_array_append(ranks, json_array_get(value, i));
                break;
            }
    if (json_array_size(ranks) == json_array_size(texts))
        return ranks;
    json_decref(ranks);
    return NULL;
}
