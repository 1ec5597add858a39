/* Scoring given sequences over a forest. */
#include "infer/scorer.h"

#include "base/log.h"
#include "base/real.h"
#include "infer/trie.h"

enum {
    ROWS_AT_ONCE = 512,      /* rows of one forward pass */
    GROUP_BYTES = 128 << 20, /* keys and values that a group of sequences may take */
    HEAD_ROWS = 256          /* rows of one pass over the vocabulary */
};

struct Scorer {
    Model *model;
    Forest forest;
    Batch batch;
    Acts acts;
    int prefix; /* segment of what all sequences begin with; -1: none */
    int *prefix_ids, prefix_n;
    double temperature; /* 0: 1 */
    bool hollow;        /* counts, computes nothing */
    int most_rows;
    ScorerCost cost;
};

/* The hidden states wanted of a sequence: after its tokens first .. last. */
typedef struct Want {
    const int *ids;
    int first, last;
} Want;

void scorer_open(Scorer **out, Model *model)
{
    Scorer *s = mem_zalloc(1, sizeof *s);
    s->model = model;
    s->prefix = -1;
    forest_init(&s->forest, &model->config);
    *out = s;
}

void scorer_open_hollow(Scorer **out, Model *model)
{
    scorer_open(out, model);
    (*out)->hollow = (*out)->forest.hollow = true;
}

void scorer_temper(Scorer *s, double temperature)
{
    s->temperature = temperature;
}

void scorer_free(Scorer *s)
{
    if (!s)
        return;
    forest_release(&s->forest);
    batch_release(&s->batch);
    acts_release(&s->acts);
    free(s->prefix_ids);
    free(s);
}

ScorerCost scorer_cost(const Scorer *s)
{
    return s->cost;
}

static int group_tokens(const ModelConfig *c)
{
    size_t n = GROUP_BYTES / (forest_bytes(c, PANEL) / PANEL);
    return n < 512 ? 512 : n > 8192 ? 8192 : (int)n;
}

/* --- the shared prefix ---------------------------------------------------------------------------------- */

/* How many tokens all sequences begin with, none of whose states is wanted. */
static int shared_prefix(const Want *want, int n)
{
    int shared = want[0].first;
    for (int i = 1; i < n; i++) {
        int most = want[i].first < shared ? want[i].first : shared;
        shared = common_prefix(want[0].ids, most, want[i].ids, most);
    }
    return shared;
}

static bool compute(Scorer *s, Err *err)
{
    s->cost.computed += s->batch.rows;
    for (int i = 0; i < s->batch.rows; i++)
        s->cost.attended += s->batch.position[i] + 1;
    s->most_rows = s->batch.rows > s->most_rows ? s->batch.rows : s->most_rows;
    return s->hollow || transformer_forward(s->model, &s->forest, &s->batch, KEEP_NOTHING, &s->acts, err);
}

/* Keeps as much of the present prefix as these sequences share, and computes one where there is none.
 * Sequences of one call set the prefix; later calls can only shorten it, until nothing is left of it. */
static bool keep_prefix(Scorer *s, const Want *want, int n, Err *err)
{
    int shared = shared_prefix(want, n);
    if (s->prefix >= 0) {
        int kept = common_prefix(s->prefix_ids, s->prefix_n, want[0].ids, shared);
        s->prefix_n = s->forest.span[s->prefix].n = kept;
        if (kept * 2 >= shared)
            return true;
        forest_drop(&s->forest, s->prefix);
        s->prefix = -1;
    }
    if (shared == 0)
        return true;
    if (!forest_add(&s->forest, -1, shared, &s->prefix, err))
        return false;
    s->prefix_ids = mem_resize(s->prefix_ids, (size_t)shared, sizeof *s->prefix_ids);
    memcpy(s->prefix_ids, want[0].ids, (size_t)shared * sizeof *s->prefix_ids);
    s->prefix_n = shared;
    for (int at = 0; at < shared; at += ROWS_AT_ONCE) {
        int rows = shared - at < ROWS_AT_ONCE ? shared - at : ROWS_AT_ONCE;
        batch_clear(&s->batch);
        batch_add(&s->batch, &s->forest, s->prefix, s->prefix_ids + at, rows);
        if (!compute(s, err) || !not_interrupted(err))
            return false;
    }
    return true;
}

/* --- one group of sequences ----------------------------------------------------------------------------- */

/* Where in the forest a wanted state is, and which of the wanted it is. */
typedef struct Place {
    int node, offset; /* token of a trie node */
    int wanted;
    int row; /* of the result; -1: another place has this state's */
} Place;

/* The states that are wanted: a row for each different one. Answers behind one prompt all begin at its last state. */
typedef struct States {
    Tensor at; /* [rows][C], with room for all that are wanted */
    int rows;
    int *row; /* [wanted] the row of each */
    int wanted;
} States;

typedef struct Group {
    Trie trie;
    Place *place;
    int places, places_cap;
    int *segment; /* [nodes] */
} Group;

static void group_add(Group *g, const Want *w, int skip, int first_wanted)
{
    int leaf = trie_add(&g->trie, w->ids + skip, w->last + 1 - skip);
    for (int t = w->first; t <= w->last; t++) {
        g->place = MEM_GROW(g->place, g->places, g->places_cap);
        g->place[g->places++] = (Place){leaf, t - skip, first_wanted + t - w->first, -1};
    }
}

/* Places were noted by leaf and depth; nodes have been split since. Those of one token share a row. */
static void settle_places(Group *g, States *out)
{
    int n = g->trie.n, tokens = 0, *first = mem_alloc((size_t)n, sizeof *first);
    for (int i = 0; i < n; tokens += g->trie.node[i++].n)
        first[i] = tokens;
    int *row = mem_alloc((size_t)tokens, sizeof *row);
    memset(row, -1, (size_t)tokens * sizeof *row);
    for (int i = 0; i < g->places; i++) {
        Place *p = &g->place[i];
        p->node = trie_holder(&g->trie, p->node, p->offset);
        p->offset -= g->trie.node[p->node].start;
        int *shared = &row[first[p->node] + p->offset];
        if (*shared < 0)
            *shared = p->row = out->rows++;
        out->row[p->wanted] = *shared;
    }
    free(row);
    free(first);
}

/* Copies what the last pass computed of tokens from .. to-1 of a node, whose first row in the pass is `row`.
 */
static void collect(const Scorer *s, const Group *g, int node, int from, int to, int row, Tensor out)
{
    size_t bytes = (size_t)out.cols * sizeof(float);
    for (int i = 0; i < g->places; i++) {
        const Place *p = &g->place[i];
        if (p->row >= 0 && p->node == node && p->offset >= from && p->offset < to)
            memcpy(tensor_rows(out, p->row, 1).at, tensor_rows(s->acts.hidden, row + p->offset - from, 1).at, bytes);
    }
}

/* A piece of a node that stands in the current batch. */
typedef struct Piece {
    int node, from, to, row;
} Piece;

static bool flush(Scorer *s, const Group *g, Piece *piece, int *pieces, Tensor out, Err *err)
{
    if (s->batch.rows == 0)
        return true;
    if (!not_interrupted(err) || !compute(s, err))
        return false;
    for (int i = 0; i < *pieces && !s->hollow; i++)
        collect(s, g, piece[i].node, piece[i].from, piece[i].to, piece[i].row, out);
    batch_clear(&s->batch);
    *pieces = 0;
    return true;
}

/* Computes every node in order, ROWS_AT_ONCE rows at a time. */
static bool compute_nodes(Scorer *s, Group *g, const int *order, Piece *piece, Tensor out, Err *err)
{
    int pieces = 0;
    for (int i = 0; i < g->trie.n; i++) {
        const TrieNode *node = &g->trie.node[order[i]];
        int parent = node->parent < 0 ? s->prefix : g->segment[node->parent];
        if (!forest_add(&s->forest, parent, node->n, &g->segment[order[i]], err))
            return false;
        for (int at = 0; at < node->n;) {
            int space = ROWS_AT_ONCE - s->batch.rows, rows = node->n - at < space ? node->n - at : space;
            int row = batch_add(&s->batch, &s->forest, g->segment[order[i]], node->ids + at, rows);
            piece[pieces++] = (Piece){order[i], at, at + rows, row};
            at += rows;
            if (s->batch.rows == ROWS_AT_ONCE && !flush(s, g, piece, &pieces, out, err))
                return false;
        }
    }
    return flush(s, g, piece, &pieces, out, err);
}

static bool run_group(Scorer *s, Group *g, States *out, Err *err)
{
    settle_places(g, out);
    int n = g->trie.n, *order = mem_alloc((size_t)n, sizeof *order);
    Piece *piece = mem_alloc((size_t)n + ROWS_AT_ONCE, sizeof *piece);
    g->segment = mem_alloc((size_t)n, sizeof *g->segment);
    for (int i = 0; i < n; i++)
        g->segment[i] = -1;
    trie_order(&g->trie, order);
    batch_clear(&s->batch);
    bool ok = compute_nodes(s, g, order, piece, out->at, err);
    for (int i = n - 1; i >= 0; i--)
        if (g->segment[order[i]] >= 0)
            forest_drop(&s->forest, g->segment[order[i]]);
    free(piece);
    free(order);
    return ok;
}

static void group_release(Group *g)
{
    trie_release(&g->trie);
    free(g->place);
    free(g->segment);
}

/* Tokens of sequence i that the one before it does not have, and those that both begin with. */
static int new_tokens(const Want *want, int i, int skip, int *shared)
{
    const Want *w = &want[i], *before = i > 0 ? &want[i - 1] : w;
    int most = before->last < w->last ? before->last + 1 : w->last + 1;
    *shared = i > 0 ? common_prefix(before->ids, most, w->ids, most) : skip;
    *shared = *shared > skip ? *shared : skip;
    return w->last + 1 - *shared;
}

/* The end of the group that begins at sequence i: as many as fit the budget, and on while they share much with the
 * one before, since a cut there would compute it twice. */
static int group_end(const Want *want, int i, int n, int skip, int budget)
{
    int tokens = want[i].last + 1 - skip, shared;
    for (i++; i < n; i++) {
        int fresh = new_tokens(want, i, skip, &shared);
        bool tied = shared - skip > 32 && tokens < 2 * budget;
        if (tokens + fresh > budget && !tied)
            break;
        tokens += fresh;
    }
    return i;
}

/* The wanted states of all sequences. */
static bool hidden_states(Scorer *s, const Want *want, int n, States *out, Err *err)
{
    if (!keep_prefix(s, want, n, err))
        return false;
    int budget = group_tokens(&s->model->config), skip = s->prefix < 0 ? 0 : s->prefix_n;
    int wanted = 0;
    for (int i = 0; i < n;) {
        Group g = {0};
        trie_init(&g.trie);
        for (int end = group_end(want, i, n, skip, budget); i < end; i++) {
            s->cost.tokens += want[i].last + 1;
            group_add(&g, &want[i], skip, wanted);
            wanted += want[i].last - want[i].first + 1;
        }
        bool ok = run_group(s, &g, out, err);
        group_release(&g);
        if (!ok)
            return false;
    }
    return true;
}

/* --- what is read off the states ------------------------------------------------------------------------ */

static size_t count_rows(const Want *want, int n)
{
    size_t rows = 0;
    for (int i = 0; i < n; i++)
        rows += (size_t)(want[i].last - want[i].first + 1);
    return rows;
}

/* Bytes of a call for so many wanted states in so many rows. */
static void note_bytes(Scorer *s, size_t wanted, size_t rows)
{
    const ModelConfig *c = &s->model->config;
    size_t head = rows < HEAD_ROWS ? rows : HEAD_ROWS, scan = head * VOCAB_CHUNK, states = wanted * (size_t)c->width;
    double bytes = (double)s->forest.most_bytes + (double)acts_bytes(c, s->most_rows, KEEP_NOTHING) +
                   (double)((scan + states) * sizeof(float));
    s->cost.wanted += (double)rows;
    s->cost.bytes = bytes > s->cost.bytes ? bytes : s->cost.bytes;
    double unpacked = (double)unpacked_bytes(s->model, s->most_rows, (int)head);
    s->cost.unpacked = unpacked > s->cost.unpacked ? unpacked : s->cost.unpacked;
}

static void states_release(States *s)
{
    mem_big_free(s->at.at, (size_t)s->wanted * (size_t)s->at.cols, sizeof(float));
    free(s->row);
    *s = (States){0};
}

/* The states, computed; a hollow scorer has only their rows. Release them in any case. */
static bool states_of(Scorer *s, const Want *want, int n, States *out, Err *err)
{
    size_t wanted = count_rows(want, n), C = (size_t)s->model->config.width;
    float *at = s->hollow ? NULL : mem_big(wanted * C, sizeof(float), "hidden states", err);
    *out = (States){.at = tensor(at, (int)wanted, (int)C), .wanted = (int)wanted};
    if (!at && !s->hollow)
        return false;
    out->row = mem_alloc(wanted, sizeof *out->row);
    bool ok = hidden_states(s, want, n, out, err);
    if (ok)
        note_bytes(s, wanted, (size_t)out->rows);
    return ok;
}

/* order: the wanted by their rows; end[r]: where those of row r end in it. */
static void order_by_row(const States *s, int *order, int *end)
{
    memset(end, 0, (size_t)(s->rows + 1) * sizeof *end);
    for (int i = 0; i < s->wanted; i++)
        end[s->row[i] + 1]++;
    for (int r = 0; r < s->rows; r++)
        end[r + 1] += end[r];
    for (int i = 0; i < s->wanted; i++)
        order[end[s->row[i]]++] = i;
}

/* out[i] = log P(target[i]) after the i-th wanted state. The head takes the targets of a state together, HEAD_ROWS states at a
 * time. */
static bool target_logprobs(Scorer *s, const States *states, const int *target, float *out, Err *err)
{
    size_t n = (size_t)states->wanted;
    int *order = mem_alloc(n, sizeof *order), *end = mem_alloc((size_t)states->rows + 1, sizeof *end),
        *row = mem_alloc(n, sizeof *row), *next = mem_alloc(n, sizeof *next);
    float *logp = mem_alloc(n, sizeof *logp);
    bool ok = true;
    order_by_row(states, order, end);
    for (int i = 0; i < states->wanted; i++) {
        row[i] = states->row[order[i]];
        next[i] = target[order[i]];
    }
    for (int r = 0, at = 0; ok && r < states->rows; r += HEAD_ROWS) {
        int last = r + HEAD_ROWS < states->rows ? r + HEAD_ROWS - 1 : states->rows - 1;
        Targets t = {.n = end[last] - at, .row = row + at, .target = next + at, .temperature = s->temperature};
        ok = head_logprobs(s->model, states->at, t, (LogProbs){.logp = logp + at}, err);
        at = end[last];
    }
    for (int i = 0; ok && i < states->wanted; i++)
        out[order[i]] = logp[i];
    free(order);
    free(end);
    free(row);
    free(next);
    free(logp);
    return ok;
}

bool scorer_logprobs(Scorer *s, const Sequence *seq, const int *from, int n, float *const *logp, Err *err)
{
    if (n == 0)
        return true;
    Want *want = mem_alloc((size_t)n, sizeof *want);
    for (int i = 0; i < n; i++)
        want[i] = (Want){seq[i].ids, from[i] - 1, seq[i].n - 2};
    States states;
    bool ok = states_of(s, want, n, &states, err);
    if (ok && !s->hollow) {
        int *target = mem_alloc((size_t)states.wanted, sizeof *target), at = 0;
        float *out = mem_alloc((size_t)states.wanted, sizeof *out);
        for (int i = 0; i < n; i++)
            for (int t = from[i]; t < seq[i].n; t++)
                target[at++] = seq[i].ids[t];
        ok = target_logprobs(s, &states, target, out, err);
        at = 0;
        for (int i = 0; ok && i < n; at += seq[i].n - from[i], i++)
            memcpy(logp[i], out + at, (size_t)(seq[i].n - from[i]) * sizeof(float));
        free(out);
        free(target);
    }
    states_release(&states);
    free(want);
    return ok;
}

/* The state after the last token of each sequence. */
static bool last_states(Scorer *s, const Sequence *seq, int n, States *states, Err *err)
{
    Want *want = mem_alloc((size_t)n, sizeof *want);
    for (int i = 0; i < n; i++)
        want[i] = (Want){seq[i].ids, seq[i].n - 1, seq[i].n - 1};
    bool ok = states_of(s, want, n, states, err);
    free(want);
    return ok;
}

bool scorer_rewards(Scorer *s, const Sequence *seq, int n, float *reward, Err *err)
{
    States states;
    if (n == 0)
        return true;
    bool ok = last_states(s, seq, n, &states, err);
    if (ok && !s->hollow)
        ok = head_scalars(s->model, SCALAR_REWARD, states.at, states.row, n, reward, err);
    states_release(&states);
    return ok;
}

bool scorer_next(Scorer *s, const Sequence *seq, int n, int top, int *id, float *logp, Err *err)
{
    States states;
    if (n == 0)
        return true;
    float *stats = mem_alloc((size_t)n * 2, sizeof *stats);
    HeadInput in = {0};
    VocabScan scan = {.rows = n,
                      .chunks = head_chunks(s->model),
                      .max = stats,
                      .sum = stats + n,
                      .top = top,
                      .top_logit = logp,
                      .top_id = id};
    bool ok = last_states(s, seq, n, &states, err) && head_input(s->model, &in, states.at, states.row, n, err) &&
              head_scan(s->model, &in, &scan, err);
    for (int i = 0; ok && i < n; i++)
        for (int k = 0; k < top; k++) {
            float *l = &logp[i * top + k];
            *l = (float)((double)*l - ((double)scan.max[i] + real_log((double)scan.sum[i])));
        }
    head_input_release(&in);
    free(stats);
    states_release(&states);
    return ok;
}
