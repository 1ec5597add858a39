/* Contexts cut to fit a policy: as much as there is room for stays, at the end that the rule says; conversations lose their
 * oldest turns first; responses nothing. */
#include "rlaif/rows/cut.h"

#include "base/mem.h"
#include "rlaif/eval/eval.h"
#include "rlaif/label/score.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/rl/rl.h"
#include "rlaif/rl/sample.h"
#include "training.h"

static Model *tiny_text(void)
{
    Err err = {0};
    Model *m;
    need_ok(model_load_text(&m, TINY_LLAMA_DIR, 0, &err), &err);
    return m;
}

static RowView view_of(const char *json, RowNeed need)
{
    Err err = {0};
    json_t *row;
    RowView v;
    need_ok(json_parse(json, strlen(json), "a row", &row, &err) && row_view(row, need, &v, &err), &err);
    json_decref(row);
    return v;
}

static int tokens_of(const Model *m, const Context *c, bool chat)
{
    Err err = {0};
    Ids ids = {0};
    need_ok(render_context(m, c, chat, &ids, &err), &err);
    int n = ids.n;
    ids_release(&ids);
    return n;
}

/* Text that is cut keeps as many whole words at its end, or beginning, as fit: one more would not. */
static void texts(void **state)
{
    (void)state;
    static const char text[] = "one two three four five six seven eight nine ten";
    Model *m = tiny_text();
    Err err = {0};
    for (int chat = 0; chat < 2; chat++)
        for (int rule = CUT_CONTEXT_LEFT; rule <= CUT_CONTEXT_RIGHT; rule++) {
            Context whole = {.text = mem_str(text)};
            int all = tokens_of(m, &whole, chat), cut;
            for (int most = all + 1; most > all - 25; most -= 4) {
                Context c = context_copy(&whole);
                need_ok(
                    cut_prompt(m, &c, chat, (Room){.rule = (CutRule)rule, .most = most, .option = "--x"}, &cut, &err),
                    &err);
                size_t n = strlen(c.text), from = rule == CUT_CONTEXT_LEFT ? strlen(text) - n : 0;
                assert_memory_equal(c.text, text + from, n);
                assert_int_equal(cut, (int)(strlen(text) - n));
                assert_true(tokens_of(m, &c, chat) <= most && (cut > 0) == (most < all));
                if (cut > 0) { /* a word more */
                    size_t end = n, begin = from;
                    if (rule == CUT_CONTEXT_LEFT)
                        for (begin--; begin > 0 && text[begin - 1] != ' '; begin--)
                            ;
                    else
                        end += 1 + strcspn(text + n + 1, " ");
                    Context more = {
                        .text = mem_strn(text + begin, (rule == CUT_CONTEXT_LEFT ? strlen(text) : end) - begin)};
                    assert_true(tokens_of(m, &more, chat) > most);
                    context_release(&more);
                }
                context_release(&c);
            }
            context_release(&whole);
        }
    model_free(m);
}

#define TURN(role, text) "{\"role\": \"" role "\", \"content\": \"" text "\"}"

static void conversations(void **state)
{
    (void)state;
    RowView v = view_of(
        "{\"prompt\": [" TURN("system", "be brief") ", " TURN("user", "first question") ", " TURN(
            "assistant",
            "first answer") ", " TURN("user",
                                      "second one") ", " TURN("assistant",
                                                              "second answer") ", " TURN("user",
                                                                                         "third and last of them") "]}",
        NEED_PROMPT);
    Model *m = tiny_text();
    Err err = {0};
    Context *all = &v.context;
    int cut, n = tokens_of(m, all, false);
    static const struct {
        CutRule rule;
        int less;          /* tokens than there are */
        size_t turns;      /* that stay */
        const char *first; /* beside the system's */
        const char *last;
    } cases[] = {
        {CUT_CONTEXT_LEFT, 0, 6, "first question", "third and last of them"},
        {CUT_CONTEXT_LEFT, 1, 4, "second one", "third and last of them"},
        {CUT_CONTEXT_LEFT, 70, 2, "third and last of them", "third and last of them"},
        {CUT_CONTEXT_RIGHT, 1, 6, "first question", "third and last of"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        Context c = context_copy(all);
        Room room = {.rule = cases[i].rule, .most = n - cases[i].less};
        need_ok(cut_prompt(m, &c, false, room, &cut, &err), &err);
        assert_true(tokens_of(m, &c, false) <= room.most);
        assert_int_equal(json_array_size(c.turns), cases[i].turns);
        assert_string_equal(json_text_of(json_array_get(c.turns, 0), "content"), "be brief");
        assert_string_equal(json_text_of(json_array_get(c.turns, 1), "content"), cases[i].first);
        assert_string_equal(json_text_of(json_array_get(c.turns, cases[i].turns - 1), "content"), cases[i].last);
        assert_true((cut > 0) == (cases[i].less > 0));
        assert_int_equal(json_array_size(all->turns), 6); /* the copy was cut */
        context_release(&c);
    }
    /* the last turn alone is still too long: its beginning goes */
    Context c = context_copy(all);
    need_ok(cut_prompt(m, &c, false, (Room){.rule = CUT_CONTEXT_LEFT, .most = 60}, &cut, &err), &err);
    assert_true(tokens_of(m, &c, false) <= 60);
    context_release(&c);
    row_view_release(&v);
    model_free(m);
}

static void refusals(void **state)
{
    (void)state;
    Model *m = tiny_text();
    Err err = {0};
    int cut;
    Context c = {.text = mem_str("a text of some words")};
    assert_false(cut_prompt(m, &c, false, (Room){.most = 3, .option = "--max-prompt-tokens"}, &cut, &err));
    assert_non_null(strstr(err.msg, "--max-prompt-tokens is 3"));
    err = (Err){0};
    assert_false(cut_prompt(m, &c, false, (Room){.after = m->config.context - 2}, &cut, &err));
    assert_non_null(strstr(err.msg, "the model's context has room for 2"));
    err = (Err){0}; /* the template alone is longer */
    assert_false(cut_prompt(m, &c, true, (Room){.rule = CUT_CONTEXT_LEFT, .most = 2}, &cut, &err));
    assert_non_null(strstr(err.msg, "even without its context"));
    context_release(&c);
    model_free(m);
}

/* Of a row with responses the longest counts, and none loses anything. */
static void whole_rows(void **state)
{
    (void)state;
    RowView v = view_of(
        "{\"prompt\": \"one two three four five six\", \"responses\": [\"short\", \"a much longer one\"]}", NEED_PAIR);
    Model *m = tiny_text();
    Err err = {0};
    Ids ids = {0};
    int from, cut;
    need_ok(render_whole(m, &v, 1, false, &ids, &from, &err), &err);
    int all = ids.n;
    ids_release(&ids);
    need_ok(cut_whole(m, &v, false, (Room){.rule = CUT_CONTEXT_LEFT, .most = all}, &cut, &err), &err);
    assert_int_equal(cut, 0);
    need_ok(cut_whole(m, &v, false, (Room){.rule = CUT_CONTEXT_LEFT, .most = all - 1}, &cut, &err), &err);
    assert_string_equal(v.context.text, "two three four five six");
    assert_string_equal(v.response[0].text, "short");
    assert_string_equal(v.response[1].text, "a much longer one");
    need_ok(render_whole(m, &v, 1, false, &ids, &from, &err), &err);
    assert_true(ids.n <= all - 1);
    ids_release(&ids);
    row_view_release(&v);
    model_free(m);
}

/* Every stage says how many rows it cut. */
static void stages(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    const char *model = "model=" TINY_LLAMA_DIR, *left = "truncate=context-left";
    const char *const small[] = {
        "prompts=@prompts.jsonl", model, "output=@rl", "reward=@reward", "steps=1", "batch=2", "max-new-tokens=3",
        "max-prompt-tokens=24"};
    assert_false(bench_run(&b, &rl_table, rl_stage, "rl", &err, small[0], small[1], small[2], small[3], small[4],
                           small[5], small[6], small[7], NULL));
    assert_non_null(strstr(err.msg, "prompts.jsonl:"));
    assert_non_null(strstr(err.msg, "--max-prompt-tokens is 24"));
    err = (Err){0};
    need_ok(bench_run(&b, &rl_table, rl_stage, "rl", &err, small[0], small[1], small[2], small[3], small[4], small[5],
                      small[6], small[7], left, NULL),
            &err);
    assert_true(bench_summary(&b, "cut") > 0 && bench_summary(&b, "cut_characters") > 0);
    need_ok(bench_run(&b, &sft_table, sft_stage, "sft", &err, "data=@demos.jsonl", model, "output=@sft",
                      "max-tokens=30", left, NULL),
            &err);
    assert_true(bench_summary(&b, "cut") > 0);
    need_ok(bench_run(&b, &sample_table, sample_stage, "sample", &err, "prompts=@prompts.jsonl", model,
                      "max-new-tokens=230", "limit=3", left, NULL),
            &err);
    assert_true(bench_summary(&b, "cut") > 0);
    bench_end(&b);
}

/* Eight pairs whose contexts have some 300 words: no model of the fixtures has room for them. */
static void put_long(const Bench *b, const char *name)
{
    Str rows = {0};
    for (int i = 0; i < 8; i++) {
        str_add(&rows, "{\"prompt\": \"");
        for (int k = 0; k < 300; k++)
            str_addf(&rows, "word%d ", k);
        str_addf(&rows, "of %d\", \"responses\": [\"yes\", \"no, %d\"], \"preferred\": %d}\n", i, i, i % 2);
    }
    bench_put(b, name, &rows);
}

#define REWARD(...) bench_run(&b, &reward_table, reward_stage, __VA_ARGS__, NULL)

/* Held-out rows and those to centre by have the room of training rows, and are cut and counted with them. */
static void held_rows(void **state)
{
    (void)state;
    Bench b;
    Err err = {0};
    bench_begin(&b);
    put_long(&b, "long.jsonl");
    const char *pairs = "pairs=@pairs.jsonl", *model = "model=" TINY_LLAMA_DIR, *left = "truncate=context-left",
               *room = "max-tokens=120", *eval = "eval=@long.jsonl", *centre = "centre-on=@long.jsonl";
    assert_false(REWARD("eval", &err, pairs, model, "output=@e", room, eval));
    says(err.msg, "long.jsonl:1");
    says(err.msg, "--max-tokens is 120");
    err = (Err){0};
    assert_false(REWARD("centre", &err, pairs, model, "output=@c", room, centre));
    says(err.msg, "long.jsonl:1");
    says(err.msg, "--max-tokens is 120");
    err = (Err){0};
    need_ok(REWARD("eval", &err, pairs, model, "output=@e", room, eval, left), &err);
    assert_int_equal((int)bench_summary(&b, "cut"), 8);
    need_ok(REWARD("centre", &err, pairs, model, "output=@c", room, centre, left), &err);
    assert_int_equal((int)bench_summary(&b, "cut"), 8);
    assert_int_equal((int)bench_summary(&b, "centre_responses"), 16);
    need_ok(REWARD("both", &err, pairs, model, "output=@b", "max-tokens=0", eval, centre, left), &err);
    assert_int_equal((int)bench_summary(&b, "cut"), 16);
    bench_end(&b);
}

#define SCORE(...) bench_run(&b, &score_table, score_stage, "score", &err, "rows=@long.jsonl", __VA_ARGS__, NULL)

/* What the rows of a stage say was cut: all alike. */
static int cut_of_rows(const Bench *b, const char *stage, const char *key)
{
    json_t *rows = bench_rows(b, stage);
    int cut = (int)json_number_of(json_array_get(rows, 0), key, -1);
    assert_int_equal(json_array_size(rows), 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal((int)json_number_of(json_array_get(rows, i), key, -1), cut);
    json_decref(rows);
    return cut;
}

/* Scores by either judge, and accuracy: a context is cut once for all responses of a row, and the row says by how much. */
static void scored_rows(void **state)
{
    (void)state;
    static const char *const judges[][2] = {{"model=@reward", NULL}, {"model=" TINY_LLAMA_DIR, "prompt=@judge.yaml"}};
    Bench b;
    Err err = {0};
    bench_begin(&b);
    put_long(&b, "long.jsonl");
    bench_write(&b, "judge.yaml",
                "name: short\nkind: verdict\nchat: false\nitem: \"{context}: {response}\\n\"\n"
                "ending: \"Is it\"\nanswers: [\" good\", \" bad\"]\n");
    for (int j = 0; j < COUNT(judges); j++) {
        assert_false(SCORE(judges[j][0], "limit=8", judges[j][1]));
        says(err.msg, "long.jsonl:1");
        err = (Err){0};
        need_ok(SCORE(judges[j][0], "truncate=context-right", judges[j][1]), &err);
        int cut = cut_of_rows(&b, "score", "score_cut");
        assert_true(cut > 500);
        assert_int_equal((int)bench_summary(&b, "cut"), 8);
        assert_int_equal((int)bench_summary(&b, "cut_characters"), 8 * cut);
        assert_false(SCORE(judges[j][0], "max-input=200", judges[j][1]));
        says(err.msg, "--max-input is 200");
        says(err.hint, "--truncate");
        err = (Err){0};
        need_ok(SCORE(judges[j][0], "max-input=200", "truncate=context-right", judges[j][1]), &err);
        assert_true(cut_of_rows(&b, "score", "score_cut") > cut);
    }
    assert_false(
        bench_run(&b, &accuracy_table, accuracy_stage, "accuracy", &err, "pairs=@long.jsonl", "reward=@reward", NULL));
    says(err.msg, "long.jsonl:1");
    err = (Err){0};
    need_ok(bench_run(&b, &accuracy_table, accuracy_stage, "accuracy", &err, "pairs=@long.jsonl", "reward=@reward",
                      "truncate=context-left", NULL),
            &err);
    assert_true(cut_of_rows(&b, "accuracy", "rewards_cut") > 500);
    assert_int_equal((int)bench_summary(&b, "cut"), 8);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),       cmocka_unit_test(conversations), cmocka_unit_test(refusals),
        cmocka_unit_test(whole_rows),  cmocka_unit_test(stages),        cmocka_unit_test(held_rows),
        cmocka_unit_test(scored_rows),
    };
    return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
