/* The table of commands. */
#include "cli/commands.h"

#include "rlaif/eval/choose.h"
#include "rlaif/eval/eval.h"
#include "rlaif/import/import.h"
#include "rlaif/label/label.h"
#include "rlaif/label/score.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/pipeline.h"
#include "rlaif/report/report.h"
#include "rlaif/rl/rl.h"
#include "rlaif/rl/sample.h"
#include "serve/export.h"
#include "serve/serve.h"

/* clang-format off */
const Command commands[] = {
    {"import",         "public formats              -> rows; subsets, splits, filters", &import_table, cmd_import,
     "rlaif import comparisons.jsonl.gz --sample 10% -o pairs.jsonl"},
    {"sft",            "demonstrations              -> policy", &sft_table, cmd_sft,
     "rlaif sft demonstrations.jsonl --model model.gguf -o sft"},
    {"sample",         "prompts, policy             -> responses, or pairs to label", &sample_table, cmd_sample,
     "rlaif sample prompts.jsonl --model model.gguf --n 2 -o pairs.jsonl"},
    {"label",          "pairs, judge                -> preferences", &label_table, cmd_label,
     "rlaif label pairs.jsonl --model judge.gguf --prompt helpful-base -o labels.jsonl"},
    {"score",          "responses, reward or judge  -> scores", &score_table, cmd_score,
     "rlaif score responses.jsonl --model judge.gguf --prompt helpful-score"},
    {"reward",         "preferences                 -> reward model", &reward_table, cmd_reward,
     "rlaif reward labels.jsonl --model model.gguf -o reward"},
    {"rl",             "prompts, reward or judge    -> better policy", &rl_table, cmd_rl,
     "rlaif rl prompts.jsonl --model model.gguf --reward reward -o policy"},
    {"choose",         "checkpoints of rl, judge    -> the one that wins most often", &choose_table, cmd_choose,
     "rlaif choose policy --prompts validation.jsonl --against sft --judge judge.gguf --prompt helpful-base -o chosen"},
    {"eval alignment", "labels, people's choices    -> agreement, position bias", &alignment_table, cmd_eval_alignment,
     "rlaif eval alignment labels.jsonl"},
    {"eval accuracy",  "reward model, choices       -> accuracy", &accuracy_table, cmd_eval_accuracy,
     "rlaif eval accuracy pairs.jsonl --reward reward"},
    {"eval winrate",   "responses of two policies   -> who is better, with intervals", &winrate_table, cmd_eval_winrate,
     "rlaif eval winrate after.jsonl before.jsonl --judge judge.gguf --prompt helpful-base"},
    {"eval harmless",  "responses of policies       -> harmless rates, by a judge or by people", &harmless_table,
     cmd_eval_harmless, "rlaif eval harmless after.jsonl before.jsonl --judge judge.gguf"},
    {"eval ratings",   "people's rankings           -> win rates, agreement, tests", &ratings_table, cmd_eval_ratings,
     "rlaif eval ratings ratings.jsonl"},
    {"eval probes",    "responses of policies       -> lengths, repetition, unfounded names", &probes_table, cmd_eval_probes,
     "rlaif eval probes after.jsonl before.jsonl"},
    {"report",         "a run                       -> one HTML page", &report_table, cmd_report,
     "rlaif report runs/warmer -o report.html"},
    {"serve",          "a run on 127.0.0.1          -> dashboard, samples, rating by people", &serve_table, cmd_serve,
     "rlaif serve runs/warmer"},
    {"rate export",    "a run                       -> the rating page as a file, and its key", &rate_export_table, cmd_rate_export,
     "rlaif rate export runs/warmer -o rate.html"},
    {"run",            "a recipe                    -> all of its stages, resuming", &run_table, cmd_run,
     "rlaif run recipes/warmer.yaml"},
    {"generate",       "a text                      -> its continuation", &generate_table, cmd_generate,
     "rlaif generate --model model.gguf \"Tell me of the sea.\""},
    {"chat",           "talk to a model", &chat_table, cmd_chat,
     "rlaif chat --model model.gguf"},
    {"tokenize",       "texts                       -> ids, or back", &tokenize_table, cmd_tokenize,
     "rlaif tokenize texts.jsonl --model model.gguf"},
    {"logprob",        "ids, or prompt and response -> log-probabilities", &logprob_table, cmd_logprob,
     "rlaif logprob rows.jsonl --model model.gguf --top 5"},
    {"inspect",        "what a model, checkpoint, run or file of rows is; what a stage would take", &inspect_table, cmd_inspect,
     "rlaif inspect runs/warmer"},
    {"export",         "a model                     -> files for llama.cpp and transformers", &export_table, cmd_export,
     "rlaif export policy -o policy.gguf --format gguf"},
    {"bench",          "this machine's speed at real work", &bench_table, cmd_bench,
     "rlaif bench --workload gemm"},
};
/* clang-format on */
const int commands_n = COUNT(commands);

const Command *find_command(int argc, char **argv, int *words)
{
    for (int i = 0; i < commands_n; i++) {
        char two[100];
        snprintf(two, sizeof two, "%s %s", argv[0], argc > 1 ? argv[1] : "");
        *words = strchr(commands[i].name, ' ') ? 2 : 1;
        if (strcmp(commands[i].name, *words == 2 ? two : argv[0]) == 0)
            return &commands[i];
    }
    return NULL;
}
