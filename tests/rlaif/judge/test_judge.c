/* Judges: settling by hand, chain of thought against its parts, batches that do not matter, contexts cut to fit. */
#include "base/real.h"
#include "infer/generate.h"
#include "judge_helpers.h"
#include "tiny.h"

/* --- settling ------------------------------------------------------------------------------------------- */

static OrderVerdict order_of(double p1, double p2, bool swapped)
{
    return (OrderVerdict){.verdict = {.logp = {real_log(p1), real_log(p2)}, .mass = p1 + p2}, .swapped = swapped};
}

/* (3.4), (3.5): q_a = (0.6, 0.2) -> 3/4 for the first; q_b = (0.1, 0.3), the second slot is the first response: 3/4. */
static void orders_are_averaged(void **state)
{
    (void)state;
    PairVerdict v = {.orders = 2, .order = {order_of(0.6, 0.2, false), order_of(0.3, 0.1, true)}};
    pair_settle(&v, (Settling){.temperature = 1});
    close_to(v.order[0].p, 0.75, 1e-15);
    close_to(v.order[1].p, 0.25, 1e-15);
    close_to(v.p, 0.5, 1e-15);
    assert_true(v.same_slot);
    v.order[1] = order_of(0.1, 0.4, true);
    pair_settle(&v, (Settling){.temperature = 1});
    close_to(v.p, (0.75 + 0.8) / 2, 1e-15);
    assert_false(v.same_slot);
    /* "More harmful": what is preferred is the other (3.2). The slot is as it was. */
    pair_settle(&v, (Settling){.temperature = 1, .flip = true});
    close_to(v.order[0].p, 0.25, 1e-15);
    close_to(v.order[1].p, 0.2, 1e-15);
    close_to(v.p, 0.225, 1e-15);
    assert_false(v.same_slot);
    /* Temperature 2: the square roots of the odds. */
    pair_settle(&v, (Settling){.temperature = 2});
    close_to(v.order[0].p, sqrt(3) / (1 + sqrt(3)), 1e-14);
    close_to(v.order[1].p, 2.0 / 3, 1e-14);
    pair_settle(&v, (Settling){.temperature = 1, .clamp = 0.4});
    close_to(v.p, 0.6, 0);
}

/* The mean of the orders' log-odds: (ln 3 + ln 4) / 2, where probabilities would be averaged to (3/4 + 4/5) / 2; turned, at
 * another temperature, with rationales, whose probabilities are averaged first, and with odds that no probability shows. */
static void log_odds_are_averaged(void **state)
{
    (void)state;
    Settling how = {.average = AVERAGE_LOG_ODDS, .temperature = 1};
    PairVerdict v = {.orders = 2, .order = {order_of(0.6, 0.2, false), order_of(0.1, 0.4, true)}};
    pair_settle(&v, how);
    close_to(v.p, sqrt(12) / (1 + sqrt(12)), 1e-14);
    close_to(v.order[1].p, 0.8, 1e-15);
    how.flip = true;
    pair_settle(&v, how);
    close_to(v.p, 1 / (1 + sqrt(12)), 1e-14);
    how = (Settling){.average = AVERAGE_LOG_ODDS, .temperature = 2};
    pair_settle(&v, how);
    close_to(v.p, pow(12, 0.25) / (1 + pow(12, 0.25)), 1e-14);
    how = (Settling){.average = AVERAGE_LOG_ODDS, .temperature = 1, .clamp = 0.3};
    pair_settle(&v, how);
    close_to(v.p, 0.7, 0);
    how.clamp = 0;
    v.order[0].opinions = 2;
    v.order[0].opinion = mem_zalloc(2, sizeof(Opinion));
    v.order[0].opinion[0].verdict = order_of(0.09, 0.01, false).verdict;
    v.order[0].opinion[1].verdict = order_of(0.4, 0.6, false).verdict; /* with it (0.9 + 0.4) / 2 = 0.65 */
    pair_settle(&v, how);
    close_to(v.p, 1 / (1 + sqrt(0.35 / 0.65 / 4)), 1e-14);
    pair_verdict_release(&v);
    v = (PairVerdict){.orders = 2,
                      .order = {{.verdict.logp = {-1, -101}}, {.verdict.logp = {-1, -91}, .swapped = true}}};
    pair_settle(&v, how);
    close_to(v.p, real_sigmoid(5), 1e-12);
    v.orders = 1;
    pair_settle(&v, how);
    close_to(v.p, v.order[0].p, 1e-15);
}

/* The distributions are averaged after each was renormalised: a rationale with little mass counts as much (3.7). */
static void rationales_are_averaged(void **state)
{
    (void)state;
    PairVerdict v = {.orders = 2};
    for (int o = 0; o < 2; o++) {
        v.order[o] = (OrderVerdict){.swapped = o == 1, .opinions = 2, .opinion = mem_zalloc(2, sizeof(Opinion))};
        v.order[o].opinion[0].verdict = order_of(0.09, 0.01, false).verdict;
        v.order[o].opinion[1].verdict = order_of(0.4, 0.6, false).verdict;
    }
    pair_settle(&v, (Settling){.temperature = 1});
    close_to(v.order[0].p, (0.9 + 0.4) / 2, 1e-15);
    close_to(v.order[1].p, 1 - (0.9 + 0.4) / 2, 1e-15);
    assert_true(v.same_slot);
    pair_verdict_release(&v);
}

/* Scores 1 and 10 with probabilities (1/4, 3/4) against (1/2, 1/2), and a verdict. */
static void preferences_of_scores(void **state)
{
    (void)state;
    Scale score = {.kind = JUDGE_SCORE, .n = 2, .number = {1, 10}, .low = 1, .high = 10},
          verdict = {.kind = JUDGE_VERDICT, .n = 2};
    Verdict a = order_of(0.1, 0.3, false).verdict, b = order_of(0.2, 0.2, false).verdict;
    close_to(verdict_preference(&score, &a, &b, 1), (0.75 * 0.5) / (0.75 * 0.5 + 0.25 * 0.5), 1e-14);
    close_to(verdict_preference(&verdict, &a, &b, 1), 0.25, 1e-14);
    close_to(verdict_preference(&verdict, &a, &b, 2), 1 / (1 + sqrt(3)), 1e-14);
    double t = sqrt(3) / (1 + sqrt(3));
    close_to(verdict_preference(&score, &a, &b, 2), t * 0.5 / (t * 0.5 + (1 - t) * 0.5), 1e-14);
}

/* --- a judge that is planted ---------------------------------------------------------------------------- */

/* Writes what is set and answers 1; notes what it was asked. */
typedef struct Planted {
    const char *writes;
    int written, answered;
    RngKey key[16];
    Sampling how;
    char *body[16], *ending[16];
} Planted;

static bool planted_answer(void *self, const Asked *a, int n, Verdict *out, Err *err)
{
    Planted *p = self;
    (void)err;
    for (int i = 0; i < n; i++) {
        p->body[p->answered] = mem_str(a[i].body);
        p->ending[p->answered++] = mem_str(a[i].ending);
        out[i] = order_of(0.5, 0.25, false).verdict;
    }
    return true;
}

static bool planted_write(void *self, const Asked *a, int n, const RngKey *key, const Sampling *how, const char *stop,
                          char **text, TokenCount *tokens, Err *err)
{
    Planted *p = self;
    (void)err;
    assert_string_equal(stop, "Best=");
    p->how = *how;
    for (int i = 0; i < n; i++) {
        assert_string_equal(a[i].ending, "Why:");
        p->key[p->written++] = key[i];
        text[i] = mem_str(p->writes);
        tokens[i] = (TokenCount){(int)(strlen(a[i].body) + strlen(a[i].ending)), 3};
    }
    return true;
}

/* A token is a byte. */
static bool planted_measure(void *self, const Asked *a, int n, int *tokens, Err *err)
{
    (void)self;
    (void)err;
    for (int i = 0; i < n; i++)
        tokens[i] = (int)(strlen(a[i].body) + strlen(a[i].ending));
    return true;
}

static int planted_context(const void *self)
{
    (void)self;
    return 1000;
}

static ScorerCost planted_cost(const void *self)
{
    (void)self;
    return (ScorerCost){0};
}

static void planted_free(void *self)
{
    Planted *p = self;
    for (int i = 0; i < p->answered; i++) {
        free(p->body[i]);
        free(p->ending[i]);
    }
}

static const JudgeBackend planted_backend = {.answer = planted_answer,
                                             .write = planted_write,
                                             .measure = planted_measure,
                                             .context = planted_context,
                                             .cost = planted_cost,
                                             .free = planted_free};

static Judge *plant(Planted *p, JudgeOptions o)
{
    Err err = {0};
    char *folder = make_folder(), *path = write_rows(folder, "prompt.yaml", full_prompt);
    Judge *j;
    need_ok(judge_new(&j, path, o, &err), &err);
    j->backend = &planted_backend;
    j->self = p;
    free(path);
    remove_folder(folder);
    return j;
}

static JudgeOptions limited(int max_input, CutRule cut)
{
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.max_input = max_input;
    o.cut = (int)cut;
    o.cut_by = "--truncate";
    return o;
}

/* Each order and sample has its own rationale; the answer stands behind all of it. */
static void steps_of_a_thought(void **state)
{
    (void)state;
    Err err = {0};
    Planted p = {.writes = " It is short. \n\nBest=2]\n[more"};
    JudgeOptions o = limited(500, CUT_NOTHING);
    o.cot = true;
    o.samples = 2;
    o.top_k = -1; /* of a model here 40 */
    o.seed = 5;
    Judge *j = plant(&p, o);
    Question q = {.where = "x:1", .context = "C", .first = "A", .second = "B", .row = 77};
    PairVerdict v;
    need_ok(judge_pairs(j, &q, 1, true, &v, &err), &err);
    assert_int_equal(p.written, 4);
    assert_int_equal(p.answered, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(p.key[i].seed, 5);
        assert_int_equal(p.key[i].row, 77);
        assert_int_equal(p.key[i].purpose, RNG_RATIONALE);
        assert_int_equal(p.key[i].visit, i / 2);
        assert_int_equal(p.key[i].sample, i % 2);
        assert_string_equal(p.body[i], i < 2 ? "Think. Which?\nC|A|B\n" : "Think. Which?\nC|B|A\n");
        assert_string_equal(p.ending[i], "Why: It is short. / Best=");
        assert_string_equal(v.order[i / 2].opinion[i % 2].rationale, " It is short.");
    }
    assert_false(p.how.greedy);
    assert_int_equal(p.how.top_k, 40);
    assert_int_equal(p.how.max_new_tokens, 12);
    close_to(p.how.temperature, 0.7, 0);
    close_to(v.order[0].verdict.logp[1], real_log(0.25), 1e-15);
    close_to(v.p, 0.5, 1e-15);
    assert_true(v.same_slot);
    assert_int_equal(v.tokens.input, 4 * (int)strlen("Think. Which?\nC|A|B\nWhy:"));
    assert_int_equal(v.tokens.output, 12);
    pair_verdict_release(&v);
    judge_free(j);
}

/* Nothing but the context is cut, alike in both orders, between words, and no word more than is needed. */
static void contexts_are_cut(void **state)
{
    (void)state;
    Err err = {0};
    static const char *const wanted[] = {"Which?\nfour five|AAA|B\n", "Which?\none two|AAA|B\n"};
    for (int rule = CUT_CONTEXT_LEFT; rule <= CUT_CONTEXT_RIGHT; rule++) {
        Planted p = {0};
        int limit = (int)strlen("Which?\nfour five|AAA|B\nBest=");
        Judge *j = plant(&p, limited(limit, rule));
        Question q[2] = {{.where = "x:1", .context = "one two three four five", .first = "AAA", .second = "B"},
                         {.where = "x:2", .context = "one", .first = "AAA", .second = "B"}};
        PairVerdict v[2];
        need_ok(judge_pairs(j, q, 2, true, v, &err), &err);
        assert_string_equal(p.body[0], wanted[rule - 1]);
        assert_int_equal(v[0].cut, rule == CUT_CONTEXT_LEFT ? 14 : 16);
        assert_string_equal(p.body[2], "Which?\none|AAA|B\n");
        assert_int_equal(v[1].cut, 0);
        judge_free(j);
    }
}

/* A text without blanks is cut inside; one context for the two responses of a row; refused where nothing may be cut. */
static void cuts_at_the_edges(void **state)
{
    (void)state;
    Err err = {0};
    char *long_word = mem_zalloc(201, 1);
    memset(long_word, 'x', 200);
    int least = (int)strlen("Which?\n||\nBest=");
    Planted p = {0};
    Judge *j = plant(&p, limited(least + 72, CUT_CONTEXT_RIGHT));
    Question q[3] = {{.where = "x:1", .context = long_word, .first = "", .second = ""},
                     {.where = "x:1", .context = long_word, .first = "yyyyyyyy", .second = ""},
                     {.where = "x:2", .context = "", .first = long_word, .second = ""}};
    PairVerdict v[3];
    need_ok(judge_pairs(j, q, 2, false, v, &err), &err);
    assert_int_equal(v[0].cut, 136); /* 64 = two times 32 are left, for both: 72 - 8 */
    assert_int_equal(v[1].cut, 136);
    assert_false(judge_pairs(j, q + 2, 1, true, v, &err));
    assert_non_null(strstr(err.msg, "x:2: more than 87 tokens, even without the context"));
    judge_free(j);
    err_clear(&err);
    p = (Planted){0};
    j = plant(&p, limited(100, CUT_NOTHING));
    assert_false(judge_pairs(j, q, 1, true, v, &err));
    assert_non_null(strstr(err.msg, "x:1: the judge would read 215 tokens, --max-input is 100"));
    assert_non_null(strstr(err.hint, "--truncate context-left"));
    judge_free(j);
    err_clear(&err);
    /* 1,000 tokens of context: 12 of a rationale, 3 and 5 bytes of join and ending. */
    char *longer = mem_zalloc(1001, 1);
    memset(longer, 'x', 1000);
    Question big = {.where = "x:3", .context = longer, .first = "", .second = ""};
    p = (Planted){0};
    JudgeOptions o = limited(4096, CUT_NOTHING);
    o.cot = true;
    j = plant(&p, o);
    assert_false(judge_pairs(j, &big, 1, true, v, &err));
    assert_non_null(strstr(err.msg, "its context has room for 980"));
    judge_free(j);
    free(longer);
    free(long_word);
}

/* --- a tiny model --------------------------------------------------------------------------------------- */

static const char *const contexts[] = {"rain in spring", "a letter to the editor about the trains", "x", "rain"},
                         *const firsts[] = {"It rains.", "The trains are late, and he minds.", "yes", "no no"},
                         *const seconds[] = {"Spring!", "A letter.", "well, x", "perhaps"};

static Question question(int i)
{
    return (Question){
        .where = "a row", .context = contexts[i], .first = firsts[i], .second = seconds[i], .row = (uint64_t)i + 10};
}

/* Greedy rationale and answer, from the model's own parts: generation after the text of step 1, log-probabilities
 * after the text of step 2. */
static void thought_of_a_model(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.cot = true;
    o.shots = 1;
    Judge *j;
    need_ok(judge_open(&j, w.model, w.prompt, o, &err), &err);
    Question q = question(1);
    PairVerdict v;
    need_ok(judge_pairs(j, &q, 1, true, &v, &err), &err);
    for (int side = 0; side < 2; side++) {
        char *step1 = mem_printf("Think. Which?\n[c1|a1|b1\nr1;Best=1]\n%s|%s|%s\nSo:", q.context,
                                 side ? q.second : q.first, side ? q.first : q.second);
        Ids ids = ids_of(&w, step1);
        Response r = {.prompt = ids.id, .n_prompt = ids.n};
        Sampling how = {.greedy = true, .temperature = 1, .top_p = 1, .max_new_tokens = 12};
        need_ok(generate(w.model, &r, 1, &how, NULL, NULL, &err), &err);
        Str written = {0};
        tokenizer_decode(w.model->tokenizer, r.ids.id, r.ids.n, TOKENIZE_BARE, &written);
        const char *said = v.order[side].opinion[0].rationale;
        assert_true(strlen(said) > 0);
        Str repaired = {0};
        str_add_utf8(&repaired, str_text(&written), strlen(str_text(&written)));
        assert_true(str_starts(str_text(&repaired), said));
        char *step2 = mem_printf("%s%s / Best=", step1, said);
        for (int a = 0; a < 2; a++) {
            Ids whole = ids_of(&w, step2);
            int answer = whole.n;
            need_ok(tokenizer_encode(w.model->tokenizer, a ? "2" : "1", 1, TOKENIZE_BARE, &whole, &err), &err);
            assert_int_equal(whole.n, answer + 1);
            float *logp = logprobs_alone(w.model, whole.id, whole.n);
            close_to(v.order[side].opinion[0].verdict.logp[a], (double)logp[answer - 1], 0);
            free(logp);
            ids_release(&whole);
        }
        response_release(&r);
        ids_release(&ids);
        str_release(&written);
        str_release(&repaired);
        free(step1);
        free(step2);
    }
    pair_verdict_release(&v);
    judge_free(j);
    world_free(&w);
}

/* Pairs alone and in one call: the same rationales, the same bits. */
static void pairs_do_not_know_their_batch(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    Judge *j;
    JudgeOptions o = judge_defaults(CHAT_AUTO);
    o.cot = true;
    o.samples = 3;
    o.temperature = 1.3;
    o.top_k = 40;
    o.seed = 2;
    need_ok(judge_open(&j, w.model, w.prompt, o, &err), &err);
    Question q[4];
    PairVerdict together[4], alone;
    for (int i = 0; i < 4; i++)
        q[i] = question(i);
    need_ok(judge_pairs(j, q, 4, true, together, &err), &err);
    int differ = 0;
    for (int i = 3; i >= 0; i--) {
        need_ok(judge_pairs(j, &q[i], 1, true, &alone, &err), &err);
        for (int k = 0; k < 6; k++) {
            const Opinion *a = &alone.order[k / 3].opinion[k % 3], *b = &together[i].order[k / 3].opinion[k % 3];
            assert_string_equal(a->rationale, b->rationale);
            assert_memory_equal(a->verdict.logp, b->verdict.logp, 2 * sizeof(double));
            differ += strcmp(a->rationale, alone.order[0].opinion[0].rationale) != 0;
        }
        assert_memory_equal(&alone.p, &together[i].p, sizeof alone.p);
        pair_verdict_release(&alone);
        pair_verdict_release(&together[i]);
    }
    assert_true(differ > 10);
    judge_free(j);
    world_free(&w);
}

/* "10" is two tokens: the score 10 is P(1) P(0 | 1), the score 1 what is left of P(1) (7). */
static void ten_is_two_tokens(void **state)
{
    (void)state;
    Err err = {0};
    World w = world_new();
    static const char yaml[] = "name: ten\nkind: score\nchat: false\nitem: \"{context}{response}\"\nending: \" \"\n"
                               "answers: [\"1\", \"2\", \"10\"]\n";
    char *path = write_rows(w.folder, "ten.yaml", yaml);
    Judge *j;
    need_ok(judge_open(&j, w.model, path, judge_defaults(CHAT_AUTO), &err), &err);
    Question q = {.where = "a row", .context = "rain", .first = " falls"};
    Verdict v;
    need_ok(judge_responses(j, &q, 1, &v, &err), &err);
    Ids ids = ids_of(&w, "rain falls "), ten = {0}, two = {0};
    int n = ids.n;
    need_ok(tokenizer_encode(w.model->tokenizer, "10", 2, TOKENIZE_BARE, &ten, &err) &&
                tokenizer_encode(w.model->tokenizer, "2", 1, TOKENIZE_BARE, &two, &err),
            &err);
    assert_int_equal(ten.n, 2);
    ids_append(&ids, ten.id, 2);
    float *logp = logprobs_alone(w.model, ids.id, ids.n);
    double one = real_exp((double)logp[n - 1]), both = real_exp((double)logp[n - 1] + (double)logp[n]);
    ids.n = n;
    ids_add(&ids, two.id[0]);
    float *other = logprobs_alone(w.model, ids.id, ids.n);
    double p2 = real_exp((double)other[n - 1]);
    close_to(v.logp[0], real_log(one - both), 1e-9);
    close_to(v.logp[2], real_log(both), 1e-12);
    close_to(v.mass, one + p2, 1e-12);
    close_to(judge_expectation(j, &v), (1 * (one - both) + 2 * p2 + 10 * both) / (one + p2), 1e-9);
    close_to(judge_reward(j, &v), (judge_expectation(j, &v) - 5.5) / 4.5, 1e-12);
    free(logp);
    free(other);
    ids_release(&ids);
    ids_release(&ten);
    ids_release(&two);
    judge_free(j);
    free(path);
    world_free(&w);
}

int main(void)
{
    log_set_quiet(true);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_averaged),
        cmocka_unit_test(rationales_are_averaged),
        cmocka_unit_test(log_odds_are_averaged),
        cmocka_unit_test(preferences_of_scores),
        cmocka_unit_test(steps_of_a_thought),
        cmocka_unit_test(contexts_are_cut),
        cmocka_unit_test(cuts_at_the_edges),
        cmocka_unit_test(thought_of_a_model),
        cmocka_unit_test(pairs_do_not_know_their_batch),
        cmocka_unit_test(ten_is_two_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
