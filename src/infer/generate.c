/* Generation over one forest. */
#include "infer/generate.h"

#include "base/log.h"
#include "infer/trie.h"

enum {
    MOST_RUNNING = 64, /* responses at once */
    PROMPT_ROWS = 512, /* rows of new prompts in one pass, about */
    SEGMENT_ROOM = 64  /* tokens of a response that get memory at a time */
};

/* Responses that share a prompt: the prompt's segment lives while any of them has yet to begin or runs. */
typedef struct Prompt {
    int first, n; /* responses */
    int begun, ended;
    int segment;
    float *hidden; /* [C] state after its last token */
    int row;       /* of that token in the current pass, or -1 */
} Prompt;

/* A response that runs. */
typedef struct Runner {
    int response, prompt;
    int segment; /* where its tokens go: the prompt's until it has one of its own */
    int row;     /* of its latest token in the current pass; -1: it begins from the prompt's state */
} Runner;

typedef struct Generator {
    Model *model;
    Response *r;
    const Sampling *how;
    Forest forest;
    Batch batch;
    Acts acts;
    int root, root_n; /* segment and length of what all prompts begin with; -1, 0 */
    Prompt *prompt;
    int prompts, next_prompt; /* next to be admitted */
    Runner runner[MOST_RUNNING];
    int running;
} Generator;

void response_release(Response *r)
{
    ids_release(&r->ids);
    free(r->logp);
    free(r->entropy);
    r->logp = r->entropy = NULL;
}

/* At most at once: responses that run, prompts that are not done with, and these prompts' tokens. */
typedef struct Most {
    int running, alive, rows;
} Most;

static Most most_of(int prompts, int samples, int n_prompt)
{
    Most m = {.running = (long long)prompts * samples < MOST_RUNNING ? prompts * samples : MOST_RUNNING};
    m.alive = m.running / samples + 2 < prompts ? m.running / samples + 2 : prompts;
    m.rows = PROMPT_ROWS + n_prompt;
    m.rows = (long long)m.alive * n_prompt < m.rows ? m.alive * n_prompt : m.rows;
    return m;
}

size_t generate_unpacked(const Model *m, int prompts, int samples, int n_prompt)
{
    Most most = most_of(prompts, samples, n_prompt);
    return unpacked_bytes(m, most.rows + most.running, most.running);
}

size_t generate_bytes(const ModelConfig *c, int prompts, int samples, int n_prompt, int max_new)
{
    Most m = most_of(prompts, samples, n_prompt);
    size_t own = 0;
    for (int t = 0; t < max_new; t += SEGMENT_ROOM)
        own += forest_bytes(c, max_new - t < SEGMENT_ROOM ? max_new - t : SEGMENT_ROOM);
    return (size_t)m.running * own + (size_t)m.alive * forest_bytes(c, n_prompt) +
           acts_bytes(c, m.rows + m.running, KEEP_NOTHING) +
           (size_t)m.running * (VOCAB_CHUNK + 3 * (size_t)c->width) * sizeof(float);
}

static bool check_lengths(const Generator *g, int n, Err *err)
{
    for (int i = 0; i < n; i++)
        if (g->r[i].n_prompt + g->how->max_new_tokens > g->model->config.context)
            return err_set(err, ERR_INPUT, "prompt %d: %d tokens and %d new ones exceed the model's context of %d",
                           i + 1, g->r[i].n_prompt, g->how->max_new_tokens, g->model->config.context),
                   err_hint(err, "shorten it, lower --max-new-tokens, or cut with --truncate context-left");
    return true;
}

static void group_prompts(Generator *g, int n)
{
    g->prompt = mem_zalloc((size_t)n, sizeof *g->prompt);
    for (int i = 0; i < n; i++) {
        const Response *r = &g->r[i], *before = i ? &g->r[i - 1] : NULL;
        if (!before || before->prompt != r->prompt || before->n_prompt != r->n_prompt)
            g->prompt[g->prompts++] = (Prompt){.first = i, .segment = -1, .row = -1};
        g->prompt[g->prompts - 1].n++;
    }
}

static bool forward(Generator *g, Err *err)
{
    return not_interrupted(err) && transformer_forward(g->model, &g->forest, &g->batch, KEEP_NOTHING, &g->acts, err);
}

/* Computes what all prompts begin with, such as a system message; their last tokens stay out of it. */
static bool plant_root(Generator *g, Err *err)
{
    g->root = -1;
    int shared = g->r[0].n_prompt - 1;
    for (int i = 1; i < g->prompts; i++) {
        const Response *r = &g->r[g->prompt[i].first];
        int most = r->n_prompt - 1 < shared ? r->n_prompt - 1 : shared;
        shared = common_prefix(g->r[0].prompt, most, r->prompt, most);
    }
    if (g->prompts < 2 || shared == 0)
        return true;
    g->root_n = shared;
    if (!forest_add(&g->forest, -1, shared, &g->root, err))
        return false;
    batch_clear(&g->batch);
    batch_add(&g->batch, &g->forest, g->root, g->r[0].prompt, shared);
    return forward(g, err);
}

/* Puts a prompt's tokens into the pass at hand. */
static bool admit_prompt(Generator *g, Prompt *p, Err *err)
{
    const Response *r = &g->r[p->first];
    int n = r->n_prompt - g->root_n;
    if (!forest_add(&g->forest, g->root, n, &p->segment, err))
        return false;
    p->row = batch_add(&g->batch, &g->forest, p->segment, r->prompt + g->root_n, n) + n - 1;
    p->hidden = mem_alloc((size_t)g->model->config.width, sizeof(float));
    return true;
}

/* Fills free places with responses in order. */
static bool admit(Generator *g, Err *err)
{
    int rows = 0;
    while (g->running < MOST_RUNNING && g->next_prompt < g->prompts && rows < PROMPT_ROWS) {
        Prompt *p = &g->prompt[g->next_prompt];
        if (p->segment < 0) {
            if (!admit_prompt(g, p, err))
                return false;
            rows += g->r[p->first].n_prompt - g->root_n;
        }
        while (g->running < MOST_RUNNING && p->begun < p->n)
            g->runner[g->running++] = (Runner){p->first + p->begun++, g->next_prompt, p->segment, -1};
        if (p->begun == p->n)
            g->next_prompt++;
    }
    return true;
}

/* Puts the latest token of a running response into the pass at hand. */
static bool continue_runner(Generator *g, Runner *w, Err *err)
{
    const Response *r = &g->r[w->response];
    w->row = -1;
    if (r->ids.n == 0)
        return true;
    bool own = w->segment != g->prompt[w->prompt].segment;
    if (!own || forest_length(&g->forest, w->segment) == g->forest.span[w->segment].cap) {
        int left = g->how->max_new_tokens - r->ids.n + 1;
        if (!forest_add(&g->forest, w->segment, left < SEGMENT_ROOM ? left : SEGMENT_ROOM, &w->segment, err))
            return false;
    }
    w->row = batch_add(&g->batch, &g->forest, w->segment, &r->ids.id[r->ids.n - 1], 1);
    return true;
}

static void drop_response(Generator *g, const Runner *w)
{
    Prompt *p = &g->prompt[w->prompt];
    for (int s = w->segment; s != p->segment;) {
        int above = g->forest.segment[s].parent;
        forest_drop(&g->forest, s);
        s = above;
    }
    if (++p->ended == p->n) {
        forest_drop(&g->forest, p->segment);
        free(p->hidden);
        p->hidden = NULL;
    }
}

/* Returns whether it was the last token. */
static bool append(const Generator *g, Response *r, Drawn d)
{
    ids_add(&r->ids, d.id);
    r->logp = mem_resize(r->logp, (size_t)r->ids.cap, sizeof *r->logp);
    r->entropy = mem_resize(r->entropy, (size_t)r->ids.cap, sizeof *r->entropy);
    r->logp[r->ids.n - 1] = d.logp;
    r->entropy[r->ids.n - 1] = d.entropy;
    r->ended = tokenizer_ends(g->model->tokenizer, d.id);
    return r->ended || r->ids.n == g->how->max_new_tokens;
}

/* Draws the next token of every running response; finished ones leave. */
static bool draw(Generator *g, GenerateToken *token, void *context, Err *err)
{
    size_t C = (size_t)g->model->config.width;
    for (int i = 0; i < g->prompts; i++) /* states of prompts that were computed just now */
        if (g->prompt[i].row >= 0 && g->prompt[i].hidden) {
            memcpy(g->prompt[i].hidden, g->acts.hidden.at + (size_t)g->prompt[i].row * C, C * sizeof(float));
            g->prompt[i].row = -1;
        }
    float *states = mem_alloc((size_t)g->running * C, sizeof *states);
    RngKey key[MOST_RUNNING];
    int position[MOST_RUNNING];
    Drawn drawn[MOST_RUNNING] = {{0}};
    for (int i = 0; i < g->running; i++) {
        const Runner *w = &g->runner[i];
        const float *from = w->row < 0 ? g->prompt[w->prompt].hidden : g->acts.hidden.at + (size_t)w->row * C;
        memcpy(states + (size_t)i * C, from, C * sizeof(float));
        key[i] = g->r[w->response].key;
        position[i] = g->r[w->response].ids.n;
    }
    bool ok = sample_tokens(g->model, tensor(states, g->running, (int)C), g->how, key, position, drawn, err);
    free(states);
    for (int i = 0; !ok && i < g->running; i++)
        g->r[g->runner[i].response].failed = drawn[i].id < 0;
    int kept = 0;
    for (int i = 0; ok && i < g->running; i++) {
        Runner w = g->runner[i];
        bool over = append(g, &g->r[w.response], drawn[i]);
        over = (token && !token(context, w.response, drawn[i].id)) || over;
        if (over)
            drop_response(g, &w);
        else
            g->runner[kept++] = w;
    }
    g->running = ok ? kept : g->running;
    return ok;
}

static bool step(Generator *g, GenerateToken *token, void *context, Err *err)
{
    batch_clear(&g->batch);
    if (!admit(g, err))
        return false;
    for (int i = 0; i < g->running; i++)
        if (!continue_runner(g, &g->runner[i], err))
            return false;
    return (g->batch.rows == 0 || forward(g, err)) && draw(g, token, context, err);
}

bool generate(Model *m, Response *r, int n, const Sampling *how, GenerateToken *token, void *context, Err *err)
{
    if (n == 0)
        return true;
    Generator *g = mem_zalloc(1, sizeof *g);
    g->model = m;
    g->r = r;
    g->how = how;
    forest_init(&g->forest, &m->config);
    group_prompts(g, n);
    bool ok = check_lengths(g, n, err) && plant_root(g, err);
    while (ok && (g->running > 0 || g->next_prompt < g->prompts))
        ok = step(g, token, context, err);
    for (int i = 0; i < g->prompts; i++)
        free(g->prompt[i].hidden);
    free(g->prompt);
    forest_release(&g->forest);
    batch_release(&g->batch);
    acts_release(&g->acts);
    free(g);
    return ok;
}
