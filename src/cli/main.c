/* rlaif: the table of commands, and the one place that prints an error and chooses the exit status. */
#include "cli/command.h"
#include "cli/help.h"

#include "base/libraries.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/version.h"
#include "net/http.h"
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
#include "serve/listener.h"
#include "serve/serve.h"
#include "text/text_libraries.h"

#include <unistd.h>

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
    {"inspect",        "what a model, checkpoint, run or file of rows is", &inspect_table, cmd_inspect,
     "rlaif inspect runs/warmer"},
    {"bench",          "this machine's speed at real work", &bench_table, cmd_bench,
     "rlaif bench --workload gemm"},
};
/* clang-format on */
const int commands_n = COUNT(commands);

static int version(void)
{
    char model[128];
    cpu_model(model);
    printf("rlaif %s\n", RLAIF_VERSION);
    printf("CPU: %s\nlevels:", model);
    for (int l = CPU_PLAIN; l <= CPU_AVX512; l++)
        printf(" %s%s", cpu_level_name((CpuLevel)l), cpu_has((CpuLevel)l) ? "" : " (not on this CPU)");
    Str libraries = {0};
    base_libraries(&libraries);
    str_add(&libraries, ", ");
    text_libraries(&libraries);
    str_add(&libraries, ", ");
    serve_libraries(&libraries);
    str_add(&libraries, ", ");
    report_libraries(&libraries);
    printf("\nprecision: f32\nlibraries: %s, %s, %s\n", store_library(), net_library(), str_text(&libraries));
    str_release(&libraries);
    return STATUS_DONE;
}

/* --- running --- */

/* A word as a shell reads it back. */
static void print_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (word[0] && !word[strspn(word, plain)]) {
        fprintf(stderr, " %s", word);
        return;
    }
    fputs(" '", stderr);
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (const char[]){*word, 0}, stderr);
    fputc('\'', stderr);
}

static int report_error(const Err *err, int argc, char **argv)
{
    fprintf(stderr, "rlaif: %s\n", err->msg);
    if (err->code == ERR_INTERRUPTED) {
        fputs("what is finished is stored; to go on: rlaif", stderr);
        for (int i = 0; i < argc; i++)
            print_word(argv[i]);
        fputc('\n', stderr);
        return STATUS_INTERRUPTED;
    }
    if (err->hint[0])
        fprintf(stderr, "%s\n", err->hint);
    return err->code == ERR_USAGE ? STATUS_USAGE : STATUS_FAILED;
}

/* The first of some variables that says anything, or NULL. */
static const char *environment_of(const char *name, const char *other)
{
    const char *value = getenv(name);
    return (value && value[0]) || !other ? value : getenv(other);
}

/* As curl reads it: HTTP_PROXY in capitals may be a header of a web server's client. */
static HttpEnvironment read_environment(void)
{
    const char *certificates = environment_of("SSL_CERT_FILE", "CURL_CA_BUNDLE");
    return (HttpEnvironment){.key = getenv("OPENAI_API_KEY"),
                             .certificates = certificates && certificates[0] ? certificates : getenv("SSL_CERT_DIR"),
                             .http_proxy = getenv("http_proxy"),
                             .https_proxy = environment_of("https_proxy", "HTTPS_PROXY"),
                             .all_proxy = environment_of("all_proxy", "ALL_PROXY"),
                             .no_proxy = environment_of("no_proxy", "NO_PROXY")};
}

static bool run_command(const Command *c, void *options, Err *err)
{
    const CommonOptions *common = options;
    Work work = {.common = common, .environment = read_environment()};
    log_set_quiet(common->quiet);
    bool ok = device_open(&work.device, (CpuLevel)common->cpu, common->threads, err) && c->run(&work, options, err);
    if (ok && common->json) {
        Str s = {0};
        json_append(&s, work.summary ? work.summary : json_null());
        printf("%s\n", str_text(&s));
        str_release(&s);
    }
    json_decref(work.summary);
    store_close(work.store);
    device_free(work.device);
    return ok;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            return false;
        if (strcmp(argv[i], "--help") == 0)
            return true;
    }
    return false;
}

/* Threads wait for each other at the end of every operation. Where cores are shared with other programs, a thread that
 * spins while it waits keeps the other one from the core that it needs, so the spinning is cut short. The OpenMP library
 * reads this when the process starts: hence the second start. */
static void limit_spinning(char **argv)
{
    if (getenv("GOMP_SPINCOUNT") || getenv("OMP_WAIT_POLICY"))
        return;
    setenv("GOMP_SPINCOUNT", "10000", 1);
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    execv(self, argv); /* where that fails, it is only slower */
}

/* What the words after the program's name ask for. Returns the exit status. */
static int answer(int argc, char **argv)
{
    if (argc == 0) {
        help_usage(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[0], "help") == 0)
        return help(argc - 1, argv + 1);
    if (strcmp(argv[0], "--help") == 0)
        return help(0, NULL);
    if (strcmp(argv[0], "version") == 0 || strcmp(argv[0], "--version") == 0)
        return version();
    int words;
    const Command *c = find_command(argc, argv, &words);
    if (!c && argc > 1 && wants_help(argc - 1, argv + 1))
        return help(1, argv);
    if (!c)
        return unknown_command(argc, argv);
    if (wants_help(argc, argv)) {
        help_command(c);
        return STATUS_DONE;
    }
    interrupt_install();
    Err err = {0};
    void *options = options_new(c->table);
    bool ok = options_parse(c->table, options, argc - words, argv + words, &err) && run_command(c, options, &err);
    options_free(c->table, options);
    return ok ? STATUS_DONE : report_error(&err, argc, argv);
}

int main(int argc, char **argv)
{
    process_begin();
    limit_spinning(argv);
    Err err = {0};
    int status = answer(argc - 1, argv + 1);
    return status == STATUS_DONE && !process_printed(&err) ? report_error(&err, argc - 1, argv + 1) : status;
}
