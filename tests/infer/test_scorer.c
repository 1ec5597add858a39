/* Scoring: what a scorer says of sequences is what each has alone, in bits, whatever they share and whatever it was asked
 * before; and what sharing saves is what it says. */
#include "infer/scorer.h"

#include "base/mem.h"
#include "tiny.h"

enum { VOCAB = 2060, MOST = 70, LONGEST = 200 };

/* Sequences that share a preamble of `head` tokens, some of them more. */
typedef struct Set {
    int n, head, from[MOST];
    int ids[MOST][LONGEST];
    Sequence seq[MOST];
    float logp[MOST][LONGEST], *out[MOST];
} Set;

static int draw(uint64_t stream, int at, int n)
{
    return (int)rng_below((RngKey){.seed = 9, .purpose = RNG_TEST, .row = stream}, (uint64_t)at, (uint64_t)n);
}

/* `common` makes the preamble: sets with the same one begin alike. */
static void fill(Set *s, int n, int head, int longest, uint64_t common, uint64_t stream)
{
    s->n = n;
    s->head = head;
    int *preamble = random_ids(LONGEST, VOCAB, common);
    for (int i = 0; i < n; i++) {
        int *own = random_ids(LONGEST, VOCAB, stream * 1000 + (uint64_t)i),
            n_ids = head + 2 + draw(stream, 4 * i, longest);
        memcpy(s->ids[i], preamble, (size_t)head * sizeof(int));
        memcpy(s->ids[i] + head, own, (size_t)(LONGEST - head) * sizeof(int));
        int like = i ? draw(stream, 4 * i + 1, i) : 0, more = draw(stream, 4 * i + 2, n_ids + 1);
        if (i % 3 == 2)
            memcpy(s->ids[i], s->ids[like], (size_t)more * sizeof(int));
        s->seq[i] = (Sequence){s->ids[i], n_ids};
        s->from[i] = 1 + head + draw(stream, 4 * i + 3, n_ids - head - 1);
        s->out[i] = s->logp[i];
        free(own);
    }
    free(preamble);
}

static void check_logprobs(Scorer *scorer, Model *m, Set *s)
{
    Err err = {0};
    need_ok(scorer_logprobs(scorer, s->seq, s->from, s->n, s->out, &err), &err);
    for (int i = 0; i < s->n; i++) {
        float *alone = logprobs_alone(m, s->ids[i], s->seq[i].n);
        same_bits("a scored token", s->logp[i], alone + s->from[i] - 1, (size_t)(s->seq[i].n - s->from[i]));
        free(alone);
    }
}

/* One scorer is asked again and again: the preamble is kept, then shortened, then another, then none. */
static void logprobs(void **state)
{
    (void)state;
    static const struct {
        int n, head, longest;
        uint64_t common;
    } call[] = {{9, 40, 20, 1}, {7, 40, 30, 1}, {5, 25, 20, 1}, {4, 60, 9, 2},
                {3, 0, 12, 3},  {1, 30, 20, 1}, {6, 50, 20, 1}};
    static const int threads[] = {1, 2, 7};
    Set *s = mem_zalloc(1, sizeof *s);
    for (int kind = 0; kind < TINY_KINDS; kind++)
        for (int t = 0; t < COUNT(threads); t++) {
            Model *m = tiny_on(CPU_AUTO, threads[t], (TinyKind)kind, HEAD_LM, VOCAB);
            Scorer *scorer;
            scorer_open(&scorer, m);
            for (int i = 0; i < COUNT(call); i++) {
                fill(s, call[i].n, call[i].head, call[i].longest, call[i].common, 10 + (uint64_t)i);
                check_logprobs(scorer, m, s);
            }
            scorer_free(scorer);
            tiny_free(m);
        }
    free(s);
}

/* More tokens than one pass and than one group take. */
static void many_tokens(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 2, TINY_LLAMA, HEAD_LM, 60);
    Set *s = mem_zalloc(1, sizeof *s);
    Scorer *scorer;
    scorer_open(&scorer, m);
    fill(s, MOST, 2, 190, 1, 4);
    for (int i = 0; i < s->n; i++)
        for (int t = 0; t < LONGEST; t++)
            s->ids[i][t] %= 60;
    for (int i = 0; i < s->n; i++) { /* long ones, little in common */
        s->seq[i].n = LONGEST - i % 7;
        s->ids[i][2] = i % 60;
        s->from[i] = LONGEST - 20;
    }
    check_logprobs(scorer, m, s);
    assert_true(scorer_cost(scorer).computed > 8192);
    scorer_free(scorer);
    free(s);
    tiny_free(m);
}

/* Ten answers behind each prompt: a prompt's last state goes through the head once, whatever the CPU, and what is said of every
 * answer is what it has alone. The tenth goes on from the first. */
static void answers_of_a_prompt(void **state)
{
    (void)state;
    enum { PROMPTS = 5, ANSWERS = 10 };
    static const int answer[ANSWERS] = {17, 3, VOCAB - 1, 2047, 2048, 16, 15, 900, 0, 17};
    CpuLevel level[3];
    int levels = cpu_levels(level);
    Set *s = mem_zalloc(1, sizeof *s);
    for (int l = 0; l < levels; l++)
        for (int kind = 0; kind < TINY_KINDS; kind++) {
            Model *m = tiny_on(level[l], 1 + kind, (TinyKind)kind, HEAD_LM, VOCAB);
            Scorer *scorer;
            scorer_open(&scorer, m);
            fill(s, PROMPTS * ANSWERS, 12, 20, 1, 6);
            for (int i = 0; i < s->n; i++) {
                int prompt = i / ANSWERS, n = s->seq[prompt * ANSWERS].n;
                if (i % ANSWERS > 0)
                    memcpy(s->ids[i], s->ids[i - 1], (size_t)n * sizeof(int));
                s->ids[i][n] = answer[i % ANSWERS];
                s->ids[i][n + 1] = 40;
                s->seq[i].n = n;
                s->from[i] = n;
            }
            for (int i = 0; i < s->n; i++)
                s->seq[i].n += i % ANSWERS == ANSWERS - 1 ? 2 : 1;
            check_logprobs(scorer, m, s);
            assert_int_equal((int)scorer_cost(scorer).wanted, 2 * PROMPTS);
            scorer_free(scorer);
            tiny_free(m);
        }
    free(s);
}

/* The reward head at the last token, in any company, twice, and where one sequence begins another. */
static void rewards(void **state)
{
    (void)state;
    Device *d = open_device(CPU_AUTO, 2);
    Set *s = mem_zalloc(1, sizeof *s);
    for (int kind = 0; kind < TINY_KINDS; kind++) {
        Model *m = tiny_model((TinyKind)kind, HEAD_REWARD, VOCAB, d);
        fill(s, 20, 15, 30, 1, 3);
        s->seq[7] = s->seq[3];
        s->seq[8] = (Sequence){s->seq[3].ids, s->seq[3].n - 1};
        s->seq[9] = (Sequence){s->seq[3].ids, 1};
        float together[20], wanted;
        Err err = {0};
        Scorer *scorer;
        scorer_open(&scorer, m);
        need_ok(scorer_rewards(scorer, s->seq, 20, together, &err), &err);
        for (int i = 0; i < 20; i++) {
            float *hidden = hidden_alone(m, s->seq[i].ids, s->seq[i].n);
            int row = s->seq[i].n - 1;
            need_ok(head_scalars(m, SCALAR_REWARD, tensor(hidden, row + 1, m->config.width), &row, 1, &wanted, &err),
                    &err);
            same_bits("a reward", &together[i], &wanted, 1);
            free(hidden);
        }
        scorer_free(scorer);
        model_free(m);
    }
    free(s);
    device_free(d);
}

/* The likeliest next tokens: the best of the whole distribution, in order, with its log-probabilities. */
static void next_tokens(void **state)
{
    (void)state;
    enum { TOP = 7 };
    Model *m = tiny_on(CPU_AUTO, 2, TINY_GEMMA, HEAD_LM, VOCAB);
    Set *s = mem_zalloc(1, sizeof *s);
    fill(s, 6, 10, 12, 1, 5);
    int id[6 * TOP], row[VOCAB] = {0}, target[VOCAB];
    float logp[6 * TOP], all[VOCAB];
    Err err = {0};
    Scorer *scorer;
    scorer_open(&scorer, m);
    need_ok(scorer_next(scorer, s->seq, 6, TOP, id, logp, &err), &err);
    for (int i = 0; i < 6; i++) {
        float *hidden = hidden_alone(m, s->seq[i].ids, s->seq[i].n);
        for (int v = 0; v < VOCAB; v++) {
            target[v] = v;
            row[v] = s->seq[i].n - 1;
        }
        need_ok(head_logprobs(m, tensor(hidden, s->seq[i].n, m->config.width),
                              (Targets){.n = VOCAB, .row = row, .target = target}, (LogProbs){.logp = all}, &err),
                &err);
        for (int k = 0; k < TOP; k++) {
            int before = 0;
            for (int v = 0; v < VOCAB; v++)
                before += all[v] > all[id[i * TOP + k]];
            assert_int_equal(before, k);
            same_bits("a next token", &logp[i * TOP + k], &all[id[i * TOP + k]], 1);
        }
        free(hidden);
    }
    scorer_free(scorer);
    free(s);
    tiny_free(m);
}

static void same_cost(const Scorer *a, const Scorer *b)
{
    ScorerCost x = scorer_cost(a), y = scorer_cost(b);
    assert_true(x.tokens == y.tokens && x.computed == y.computed && x.attended == y.attended && x.wanted == y.wanted &&
                x.bytes == y.bytes && x.bytes > 0);
}

/* A hollow scorer, which needs no weights, counts what a real one takes. */
static void hollow(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 1, TINY_GEMMA, HEAD_LM | HEAD_REWARD, VOCAB);
    Set *s = mem_zalloc(1, sizeof *s);
    Scorer *real, *counting;
    float reward[MOST];
    Err err = {0};
    scorer_open(&real, m);
    scorer_open_hollow(&counting, m);
    for (int i = 0; i < 3; i++) {
        fill(s, 5 + i, 30, 20, 1, 20 + (uint64_t)i);
        need_ok(scorer_logprobs(real, s->seq, s->from, s->n, s->out, &err), &err);
        need_ok(scorer_logprobs(counting, s->seq, s->from, s->n, NULL, &err), &err);
        same_cost(real, counting);
        need_ok(scorer_rewards(real, s->seq, s->n, reward, &err), &err);
        need_ok(scorer_rewards(counting, s->seq, s->n, NULL, &err), &err);
        same_cost(real, counting);
    }
    scorer_free(real);
    scorer_free(counting);
    free(s);
    tiny_free(m);
}

/* A preamble is computed once for all calls, a shared beginning once a call. */
static void cost(void **state)
{
    (void)state;
    Model *m = tiny_on(CPU_AUTO, 1, TINY_LLAMA, HEAD_REWARD, 50);
    static int ids[4][30];
    static const int question[2] = {20, 21};
    Sequence seq[4];
    float reward[4];
    Err err = {0};
    for (int i = 0; i < 4; i++) { /* 20 tokens of preamble, 4 of one of two questions, 6 of an answer */
        for (int t = 0; t < 30; t++)
            ids[i][t] = t < 20 ? t : t < 24 ? question[i / 2] : 30 + i;
        seq[i] = (Sequence){ids[i], 30};
    }
    Scorer *scorer;
    scorer_open(&scorer, m);
    for (int round = 1; round <= 3; round++) {
        need_ok(scorer_rewards(scorer, seq, 4, reward, &err), &err);
        assert_true(scorer_cost(scorer).computed == 20 + round * (2 * 4 + 4 * 6));
        assert_true(scorer_cost(scorer).tokens == round * 4 * 30);
    }
    need_ok(scorer_rewards(scorer, NULL, 0, NULL, &err), &err);
    scorer_free(scorer);
    scorer_free(NULL);
    tiny_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logprobs), cmocka_unit_test(many_tokens),
        cmocka_unit_test(hollow),   cmocka_unit_test(answers_of_a_prompt),
        cmocka_unit_test(rewards),  cmocka_unit_test(next_tokens),
        cmocka_unit_test(cost),
    };
    return cmocka_run_group_tests_name("scorer", tests, NULL, NULL);
}
