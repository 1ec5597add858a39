/* Bad input of judging, evaluations and ratings, as a user meets it. */
#include "refusals.h"

#include "base/mem.h"

/* The bench has reward/ too, a reward model of human.jsonl. */
static int begin(void **state)
{
    test_bench_begin(state);
    runs_with_status(test_bench, 0, "rlaif reward human.jsonl --model llama --batch 8 -o reward");
    put_text(test_bench, "pair.jsonl", "{\"prompt\": \"Tell me.\", \"responses\": [\"Tea.\", \"No.\"]}\n");
    put_text(test_bench, "reply.jsonl", "{\"prompt\": \"Tell me.\", \"response\": \"Tea.\"}\n");
    put_text(test_bench, "arms.jsonl",
             "{\"prompt\": \"Tell me.\", \"responses\": [\"Tea.\", \"No.\"], \"models\": [\"a\", \"b\"]}\n");
    put_text(test_bench, "rated.jsonl", "{\"item\": \"x\", \"rater\": \"ann\", \"ranks\": [1, 2]}\n");
    put_text(test_bench, "key.jsonl",
             "{\"item\": \"y\", \"kind\": \"rank\", \"prompt\": \"a\", \"texts\": [\"b\", \"c\"], \"shown\": [0, 1], "
             "\"models\": [\"k\", \"l\"]}\n");
    runs_with_status(test_bench, 0, "mkdir folder");
    return 0;
}

static const Refusal label_cases[] = {
    {"label --from pair.jsonl -o out.jsonl", 1, "pair.jsonl:1: the row has no \"label\"", "rlaif label adds labels",
     NULL, NULL},
    {"label --from none.jsonl -o out.jsonl", 1, "none.jsonl: No such file", "check the name", NULL, NULL},
    {"label pair.jsonl --model llama --prompt which.yaml,helpful-base --choose-on reply.jsonl -o out.jsonl", 1,
     "reply.jsonl:1: \"responses\" has 1 entry, needs 2", "sample --n 2", NULL, NULL},
    {"score p.jsonl --model reward -o out.jsonl", 1, "p.jsonl:1: the row has no \"response\"", "rlaif sample makes",
     NULL, NULL},
    {"score pair.jsonl --model llama -o out.jsonl", 1, "llama has no reward head", "rlaif reward trains one", NULL,
     NULL},
};

static void labels_and_scores(void **state)
{
    (void)state;
    need_refusals(test_bench, label_cases, COUNT(label_cases));
}

static const Refusal eval_cases[] = {
    {"eval accuracy p.jsonl --reward reward", 1, "p.jsonl:1: \"responses\" has 0 entries", "sample --n 2", NULL, NULL},
    {"eval accuracy pair.jsonl --reward reward", 1, "pair.jsonl: no row says which", "\"preferred\": 0 or 1", NULL,
     NULL},
    {"eval accuracy people.jsonl --reward llama", 1, "llama has no reward head", "rlaif reward trains one", NULL, NULL},
    {"eval accuracy human.jsonl --reward reward", 1,
     "human.jsonl:1: the prompt also occurs in the stage \"reward\" of reward.rlaif", "take it out of one", NULL, NULL},
    {"eval accuracy people.jsonl --reward reward --trained-on people.jsonl", 1,
     "people.jsonl:1: the prompt also occurs in line 1 of the same file", "take it out of one", NULL, NULL},
    {"reward people.jsonl --model llama --eval people.jsonl -o rm", 1,
     "people.jsonl:1: the prompt also occurs in line 1 of the same file", "take it out of one", NULL, NULL},
    {"eval harmless p.jsonl --judge llama --prompt tone.yaml", 1, "p.jsonl:1: the row has no \"response\"",
     "rlaif sample makes", NULL, NULL},
    {"eval harmless reply.jsonl", 1, "reply.jsonl:1: the row has no \"harmless\"", "rlaif serve", NULL, NULL},
    {"eval harmless reply.jsonl --judge llama --prompt which.yaml", 1, "the prompt which.yaml gives no verdict",
     "harmless-verdict", NULL, NULL},
    {"eval ratings pair.jsonl", 1, "pair.jsonl:1: \"models\" is no list", "responses, models", NULL, NULL},
    {"eval ratings none.jsonl", 1, "none.jsonl: No such file", "check the name", NULL, NULL},
    {"eval ratings folder", 1, "folder/store.sqlite: there is no store", "rlaif run RECIPE", NULL, NULL},
    {"eval probes p.jsonl", 1, "p.jsonl:1: the row has no \"response\"", "rlaif sample makes", NULL, NULL},
    {"eval probes reply.jsonl --trained-on reply.jsonl", 1,
     "reply.jsonl:1: the prompt also occurs in line 1 of the same file", "take it out of one", NULL, NULL},
};

static void evaluations(void **state)
{
    (void)state;
    need_refusals(test_bench, eval_cases, COUNT(eval_cases));
}

static const Refusal rating_cases[] = {
    {"rate export arms.jsonl -o folder", 1, "folder: Is a directory", "name a file", NULL, NULL},
    {"rate export arms.jsonl -o folder/", 1, "folder/", "name a file", NULL, NULL},
    {"rate export arms.jsonl -o no/such/rate.html", 1, "no/such/rate", "make it first", NULL, NULL},
    {"rate export arms.jsonl -o rate.html --key no/such/key.jsonl", 1, "no/such/key.jsonl", "make it first", NULL,
     NULL},
    {"rate export arms.jsonl -o /dev/null/rate.html --key rate.key.jsonl", 1, "/dev/null/rate.html", "name another",
     NULL, NULL},
    {"rate export arms.jsonl -o rate.html --key rate.html", 2, "--key rate.html", "a file of its own", NULL, NULL},
    {"rate export reply.jsonl -o rate.html", 1, "no two policies' responses", "--samples", NULL, NULL},
    {"rate export p.jsonl -o rate.html", 1, "p.jsonl:1: the row has no \"response\"", "rlaif sample makes", NULL, NULL},
    {"rate export folder -o rate.html", 1, "folder/store.sqlite: there is no store", "rlaif run RECIPE", NULL, NULL},
    {"import bad.jsonl --prompts -o out.jsonl", 1, "bad.jsonl:1: the fields of the row", "rename its fields",
     "bad.jsonl", "{\"x\": 1}\n"},
    {"import rated.jsonl -o out.jsonl", 1, "rated.jsonl:1: the row is a rating", "--key FILE.key.jsonl", NULL, NULL},
    {"import rated.jsonl --key none.jsonl -o out.jsonl", 1, "none.jsonl: No such file", "check the name", NULL, NULL},
    {"import rated.jsonl --key p.jsonl -o out.jsonl", 1, "p.jsonl:1: the line is no key", "rlaif rate export", NULL,
     NULL},
    {"import rated.jsonl --key key.jsonl -o out.jsonl", 1, "rated.jsonl:1: the row rates no item", "take the key", NULL,
     NULL},
    {"serve none", 1, "none: there is no run", "store.sqlite", NULL, NULL},
    {"serve folder", 1, "folder: there is no run", "store.sqlite", NULL, NULL},
    {"serve p.jsonl", 1, "p.jsonl: there is no run", "store.sqlite", NULL, NULL},
    {"serve folder --port 99999", 2, "--port \"99999\" cannot be used", "0 to 65535", NULL, NULL},
};

static void ratings(void **state)
{
    (void)state;
    need_refusals(test_bench, rating_cases, COUNT(rating_cases));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, test_bench_end)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(labels_and_scores), TEST(evaluations), TEST(ratings)};
    return cmocka_run_group_tests_name("bad judging", tests, NULL, NULL);
}
