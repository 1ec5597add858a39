/* rlaif: from the words of a command line to a command, and the one place that prints an error and chooses the exit
 * status. */
#include "cli/commands.h"
#include "cli/help.h"

#include "base/libraries.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/version.h"
#include "model/adapter_file.h"
#include "net/http.h"
#include "rlaif/report/report.h"
#include "rlaif/stage/named.h"
#include "serve/listener.h"
#include "tensor/cpu.h"
#include "text/text_libraries.h"

#include <unistd.h>

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
    Library library = {.kept = &work.store, .packed = common->weights == 0};
    log_set_quiet(common->quiet);
    adapter_set_base(common->base);
    bool ok = named_models_check(c->table, options, err) &&
              device_open(&work.device, (CpuLevel)common->cpu, common->threads, err);
    if (ok)
        work.device->library = &library;
    ok = ok && c->run(&work, options, err);
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
 * spins while it waits keeps the other one from the core that it needs, so the spinning is cut short. The OpenMP
 * library reads this when the process starts: hence the second start. */
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
