/* A recipe whose mixes name reward models that it makes: asked as they would be by their directories, everywhere and again. */
#include "refusals.h"

static const char mix_yaml[] =
    "kind: mix\nparts:\n  - {reward: rm, scale: 0.5}\n  - {prompt: ../tone.yaml, scale: 2}\n";
static const char draft_yaml[] = "kind: mix\nparts:\n  - {reward: rm}\n  - {prompt: tone.yaml}\n";
static const char recipe_yaml[] =
    "name: named\nseed: 3\npolicy: llama\njudge: llama\nstages:\n"
    "  - reward: {as: rm, pairs: human.jsonl, labels: human, epochs: 2, batch: 2, lr: 1e-3}\n"
    "  - label: {pairs: people.jsonl, method: pointwise, prompt: judges/mix.yaml}\n"
    "  - label: {as: fitted, fit: human.jsonl, prompt: draft.yaml}\n"
    "  - score: {rows: people.jsonl, model: judge, prompt: fitted}\n"
    "  - rl: {prompts: p.jsonl, rewards: [{judge: judge, prompt: tone.yaml}, {judge: judge, prompt: judges/mix.yaml}], "
    "steps: 1, batch: 2, samples: 2, max-new-tokens: 4}\n"
    "  - eval: {kind: winrate, prompts: test.jsonl, against: policy, prompt: [tone.yaml, judges/mix.yaml], "
    "max-new-tokens: 4}\n";

static void in_a_recipe(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0, "mkdir judges");
    put_text(test_bench, "judges/mix.yaml", mix_yaml);
    put_text(test_bench, "draft.yaml", draft_yaml);
    put_text(test_bench, "named.yaml", recipe_yaml);
    runs_with_status(
        test_bench, 0,
        "sed 's/human.jsonl, prompt: draft/bare.jsonl, prompt: draft/' named.yaml > n && mv n named.yaml && "
        "sed 's/, \"preferred\": [01]//; s/chosen/a/' people.jsonl > bare.jsonl");
    runs_with_status(test_bench, 0, "rlaif run named.yaml --quiet");
    /* what it is called and what it says are as without a recipe */
    runs_with_status(test_bench, 0,
                     "grep -q 'reward: rm$' runs/named/label.mix-1.yaml && "
                     "grep -q 'reward: rm$' runs/named/fitted.yaml && test -e runs/named/rl.mix-2.yaml && "
                     "test -e runs/named/eval.mix-2.yaml && test ! -e runs/named/score.mix-1.yaml");
    runs_with_status(
        test_bench, 0,
        "sed 's#reward: rm#reward: ../runs/named/rm#' judges/mix.yaml > judges/plain.yaml && "
        "rlaif label people.jsonl --method pointwise --model llama --seed 3 --prompt judges/plain.yaml -o plain.jsonl && "
        "rlaif label people.jsonl --method pointwise --model llama --seed 3 --prompt runs/named/label.mix-1.yaml -o named.jsonl && "
        "grep -o '\"margin\": [-0-9.e]*' plain.jsonl > plain && test -s plain && "
        "grep -o '\"margin\": [-0-9.e]*' named.jsonl | cmp plain -");
    /* the report knows the model in the mix, and that people taught it */
    runs_with_status(
        test_bench, 0,
        "rlaif report runs/named -o page.html && "
        "tr -d '\\n' < page.html | grep -q 'behind which is also the reward model <a href=\"#stage-1\">rm</a>, "
        "which imitates people.s choices'");
    /* once more nothing is done anew, from the recipe that it left too */
    runs_with_status(test_bench, 0,
                     "rlaif run named.yaml 2> again && ! grep -q 'others than before' again && "
                     "cp runs/named/recipe.yaml left.yaml && rlaif run left.yaml --run runs/named 2> again && "
                     "! grep -q 'others than before' again");
    runs_with_status(test_bench, 1,
                     "sed 's/reward: rm/reward: rn/' judges/mix.yaml > judges/m && mv judges/m judges/mix.yaml && "
                     "rlaif run named.yaml 2> said");
    runs_with_status(test_bench, 0,
                     "grep -q 'mix.yaml:3: there is no reward model \"rn\"' said && grep -q 'or rm' said");
}

/* Among candidates, with options behind it, in a directory whose name has a blank; a mix that names a later stage is refused before
 * anything runs. */
static void among_candidates(void **state)
{
    (void)state;
    runs_with_status(test_bench, 0, "mkdir -p judges");
    put_text(test_bench, "judges/mix.yaml", mix_yaml);
    put_text(test_bench, "chosen.yaml",
             "name: chosen\npolicy: llama\nstages:\n"
             "  - reward: {as: rm, pairs: human.jsonl, labels: human, epochs: 2, batch: 2, lr: 1e-3}\n"
             "  - label: {pairs: people.jsonl, method: pointwise, choose-on: human.jsonl,"
             " prompt: [judges/mix.yaml --max-input 400, judges/mix.yaml]}\n");
    runs_with_status(test_bench, 0,
                     "rlaif run chosen.yaml --run 'a run' --quiet && grep -q 'reward: rm$' 'a run/label.mix-1.yaml' && "
                     "test -e 'a run/label.mix-2.yaml'");
    put_text(test_bench, "moved.yaml",
             "name: moved\npolicy: llama\nstages:\n"
             "  - label: {pairs: people.jsonl, method: pointwise, prompt: judges/mix.yaml}\n"
             "  - reward: {as: rm, labels: human}\n");
    runs_with_status(test_bench, 1, "rlaif run moved.yaml --run moved 2> said");
    runs_with_status(test_bench, 0, "grep -q 'mix.yaml:3: the stage rm comes later' said && test ! -e moved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_BENCH(in_a_recipe), IN_BENCH(among_candidates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
