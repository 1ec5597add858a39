/* The program as a user runs it. */
#include "program_internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/stage/metric_log.h"
#include "rlaif/stage/tensorboard.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_SECONDS = 300 }; /* that a command may take */

/* --- running ------------------------------------------------------------------------------------------------------ */

/* Puts the folder of the program that belongs to these tests first in PATH: build/KNOBS/bin, or the project's root. */
static void find_program(void)
{
    const char *build = getenv("B"), *path = getenv("PATH");
    char *bin = build ? path_join(build, "bin") : mem_str("."), *whole = realpath(bin, NULL);
    char *paths = mem_printf("%s:%s", whole ? whole : "", path ? path : "/usr/bin:/bin");
    setenv("PATH", paths, 1);
    free(paths);
    free(whole);
    free(bin);
}

void program_child(const char *folder, const char *command, FILE *out, FILE *err)
{
    find_program();
    int nothing = open("/dev/null", O_RDONLY);
    if (chdir(folder) != 0 || dup2(nothing, 0) < 0 || dup2(fileno(out), 1) < 0 || dup2(fileno(err), 2) < 0)
        _exit(99);
    close(nothing);
    alarm(LONGEST_SECONDS);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(99);
}

/* All that a file holds. */
static char *contents(FILE *f)
{
    Str s = {0};
    char block[4096];
    rewind(f);
    for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
        str_addn(&s, block, n);
    fclose(f);
    return str_take(&s);
}

Ran program_ran(int wait_status, FILE *out, FILE *err)
{
    int status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    return (Ran){.status = status, .out = contents(out), .err = contents(err)};
}

static Ran run_command(const char *folder, const char *command)
{
    FILE *out = tmpfile(), *err = tmpfile();
    assert_true(out && err);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        program_child(folder, command, out, err);
    int status = 0;
    struct rusage usage;
    assert_true(child > 0 && wait4(child, &status, 0, &usage) == child);
    Ran r = program_ran(status, out, err);
    r.peak = 1024.0 * (double)usage.ru_maxrss;
    return r;
}

Ran run_in(const char *folder, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char command[4000];
    assert_true(vsnprintf(command, sizeof command, fmt, ap) < (int)sizeof command);
    va_end(ap);
    return run_command(folder, command);
}

void ran_free(Ran *r)
{
    free(r->out);
    free(r->err);
    *r = (Ran){0};
}

/* --- what came of it ---------------------------------------------------------------------------------------------- */

void need_status(const Ran *r, int status)
{
    if (r->status != status)
        fail_msg("status %d, not %d\n--- standard output\n%s--- standard error\n%s", r->status, status, r->out, r->err);
}

void runs_with_status(const char *folder, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char command[4000];
    assert_true(vsnprintf(command, sizeof command, fmt, ap) < (int)sizeof command);
    va_end(ap);
    Ran r = run_command(folder, command);
    if (r.status != status)
        print_error("%s\n", command);
    need_status(&r, status);
    ran_free(&r);
}

/* The last line that begins with "rlaif: " and is no warning: the error. */
static const char *error_line(const char *text)
{
    const char *found = NULL;
    for (const char *s = text; s && *s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL)
        if (str_starts(s, "rlaif: ") && !str_starts(s, "rlaif: warning: "))
            found = s;
    return found;
}

/* A message that begins with a path does not name it again, nor what is in the folder of that name. */
static bool names_path_once(const char *line, const char *end)
{
    size_t n = strcspn(line, ": \n");
    char *path = mem_strn(line, n), *rest = mem_strn(line + n, (size_t)(end - line) - n);
    bool once = true;
    for (const char *at = rest; n > 0 && once && (at = strstr(at, path)); at++)
        once = !(at[-1] == ' ' && strchr(":/", at[n]) && strcmp(path, ".") != 0);
    free(path);
    free(rest);
    return once;
}

bool is_message(const Ran *r, int status, const char *message, const char *remedy)
{
    const char *line = error_line(r->err), *at = line ? strstr(line, message) : NULL;
    const char *end = line ? strchr(line, '\n') : NULL;
    bool ok = r->status == status && at && end && at < end && r->out[0] == 0 && (!remedy || strstr(end, remedy));
    const char *last = end ? strchr(end + 1, '\n') : NULL;
    ok = ok && (!end[1] || (last && !last[1])); /* at most one line follows */
    ok = ok && names_path_once(line + strlen("rlaif: "), end);
    if (!ok)
        print_error("%d, not %d \"%s\" (%s)\n--- standard output\n%s--- standard error\n%s", r->status, status, message,
                    remedy ? remedy : "", r->out, r->err);
    return ok;
}

void need_message(Ran r, int status, const char *message, const char *remedy)
{
    assert_true(is_message(&r, status, message, remedy));
    ran_free(&r);
}

json_t *last_json(const Ran *r)
{
    size_t n = strlen(r->out);
    if (n == 0 || r->out[n - 1] != '\n')
        fail_msg("no line of JSON at the end of\n%s", r->out);
    const char *line = r->out + n - 1;
    while (line > r->out && line[-1] != '\n')
        line--;
    json_t *j;
    Err err = {0};
    need_ok(json_parse(line, strlen(line) - 1, "the last line", &j, &err), &err);
    return j;
}

/* --- folders ------------------------------------------------------------------------------------------------------ */

void put_text(const char *folder, const char *name, const char *text)
{
    Err err = {0};
    char *path = path_join(folder, name);
    need_ok(file_write(path, text, strlen(text), &err), &err);
    free(path);
}

void put_link(const char *folder, const char *name, const char *to)
{
    char *from = path_join(folder, name), *whole = realpath(to, NULL);
    if (!whole || symlink(whole, from) != 0)
        fail_msg("%s cannot be linked as %s", to, from);
    free(whole);
    free(from);
}

static const char tone_yaml[] = "name: tone\nkind: verdict\nchat: false\nitem: \"{response}\"\nending: \" So it is\"\n"
                                "answers: [\" good\", \" bad\"]\n";
static const char which_yaml[] = "name: which\nkind: pairwise\nchat: false\nitem: \"{context} 1 {response_1} 2 "
                                 "{response_2}\"\nending: \" Best:\"\nanswers: [\"1\", \"2\"]\n";
static const char human_jsonl[] =
    "{\"prompt\": \"Red?\", \"responses\": [\"A cup.\", \"The sea.\"], \"preferred\": 1}\n"
    "{\"prompt\": \"Blue?\", \"chosen\": \"Every morning.\", \"rejected\": \"No.\"}\n"
    "{\"chosen\": \"\\n\\nHuman: Green?\\n\\nAssistant: Tea.\", \"rejected\": \"\\n\\nHuman: Green?\\n\\nAssistant: "
    "He could not say.\"}\n"
    "{\"prompt\": \"White?\", \"responses\": [\"The baker.\", \"A storm.\"], \"preferred\": 0}\n"
    "{\"prompt\": \"Black?\", \"responses\": [\"Six.\", \"On the table.\"], \"preferred\": 0}\n";
static const char small_yaml[] =
    "name: small\n"
    "seed: 3\n"
    "policy: llama\n"
    "stages:\n"
    "  - import: {input: human.jsonl, split: 3/5}\n"
    "  - sft:    {data: demos.jsonl, epochs: 2, batch: 2, lr: 1e-3}\n"
    "  - sample: {prompts: p.jsonl, n: 2, max-new-tokens: 6}\n"
    "  - label:  {method: pointwise, prompt: tone.yaml}\n"
    "  - label:  {as: bias, pairs: sample, prompt: which.yaml, limit: 3}\n"
    "  - reward: {epochs: 2, batch: 2, lr: 1e-3, save-every: 1, eval: import.rest, eval-every: 2}\n"
    "  - eval:   {as: held-out, kind: accuracy, pairs: import}\n"
    "  - rl:     {prompts: p.jsonl, steps: 5, batch: 2, samples: 2, max-new-tokens: 6, lr: 1e-3, save-every: 2, "
    "eval: held.jsonl, eval-every: 2, keep-best: 2}\n"
    "  - choose: {prompts: held.jsonl, prompt: tone.yaml, max-new-tokens: 6}\n"
    "  - eval:   {kind: winrate, prompts: test.jsonl, n: 2, against: policy, prompt: tone.yaml, reward: reward, "
    "max-new-tokens: 6}\n"
    "  - report: {}\n";

static void put_prompts(const char *folder, const char *name, const char *what, int n)
{
    Str s = {0};
    for (int i = 1; i <= n; i++)
        str_addf(&s, "{\"id\": \"%s-%d\", \"prompt\": \"Tell %d of %s.\"}\n", what, i, i, what);
    put_text(folder, name, str_text(&s));
    str_release(&s);
}

char *make_bench(const char *folder, const char *name)
{
    Err err = {0};
    char *bench = path_join(folder, name);
    need_ok(dir_make(bench, &err), &err);
    put_link(bench, "llama", "tests/fixtures/tiny-llama");
    put_link(bench, "gemma", "tests/fixtures/tiny-gemma3");
    put_prompts(bench, "p.jsonl", "ships", 6);
    put_prompts(bench, "held.jsonl", "tea", 4);
    put_prompts(bench, "test.jsonl", "snow", 4);
    put_text(
        bench, "demos.jsonl",
        "{\"prompt\": \"One?\", \"completion\": \"A storm.\"}\n{\"prompt\": \"Two?\", \"completion\": \"The baker.\"}\n"
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Three?\"}, {\"role\": \"assistant\", \"content\": "
        "\"Tea.\"}]}\n");
    put_text(bench, "human.jsonl", human_jsonl);
    put_text(
        bench, "ranked.jsonl",
        "{\"prompt\": \"Gold?\", \"responses\": [\"A cup.\", \"Six.\"], \"models\": [\"x\", \"y\"], \"ranks\": [1, 2], "
        "\"rater\": \"ann\"}\n"
        "{\"prompt\": \"Teal?\", \"responses\": [\"Tea.\", \"A storm.\"], \"models\": [\"x\", \"y\"], \"ranks\": [2, 1], "
        "\"rater\": \"ann\"}\n");
    put_text(bench, "people.jsonl",
             "{\"prompt\": \"Grey?\", \"responses\": [\"A cup.\", \"The sea.\"], \"preferred\": 1}\n"
             "{\"prompt\": \"Pink?\", \"responses\": [\"Six.\", \"Every morning.\"], \"preferred\": 0}\n");
    put_text(bench, "tone.yaml", tone_yaml);
    put_text(bench, "which.yaml", which_yaml);
    put_text(bench, "small.yaml", small_yaml);
    return bench;
}

char *test_bench;

int test_bench_begin(void **state)
{
    folder_begin(state);
    test_bench = make_bench(test_folder, "bench");
    return 0;
}

int test_bench_end(void **state)
{
    free(test_bench);
    return folder_end(state);
}

void killed_to_same_bytes(const char *bench, const char *command, const char *made, const char *whole)
{
    runs_with_status(bench, 0, "rm -f %s %s.rlaif", made, made);
    Ran r = run_with_fault(bench, (Fault){0}, command);
    need_status(&r, 0);
    int changes = r.changes, kills = 0;
    ran_free(&r);
    runs_with_status(bench, 0, "mv %s %s && rm -f %s.rlaif", made, whole, made);
    for (int status = -1; status != 0; kills++) {
        r = run_with_fault(bench, (Fault){.at = 1 + changes * (1 + kills) / 6, .signal = SIGKILL}, command);
        status = r.status;
        ran_free(&r);
    }
    assert_true(kills > 2);
    runs_with_status(bench, 0, "cmp %s %s", whole, made);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

/* A store's rows as text, without its times. */
static char *dump_store(const char *path)
{
    static const char *const query[] = {
        "SELECT id, name, kind, identity, about, done, output, summary FROM stage ORDER BY id",
        "SELECT stage, key, position, row FROM item ORDER BY stage, key",
        "SELECT stage, step, name, value FROM metric WHERE name NOT LIKE 'seconds%' ORDER BY stage, step, name",
        "SELECT stage, step, sample, row FROM rollout ORDER BY stage, step, sample",
        "SELECT stage, step, path, score FROM checkpoint ORDER BY stage, step",
        "SELECT stage, hash FROM context ORDER BY stage, hash",
        "SELECT stage, hash FROM selection ORDER BY stage, hash",
    };
    sqlite3 *db;
    Str s = {0};
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (int q = 0; q < COUNT(query); q++) {
        sqlite3_stmt *t;
        if (sqlite3_prepare_v2(db, query[q], -1, &t, NULL) != SQLITE_OK)
            fail_msg("%s: %s", path, sqlite3_errmsg(db));
        while (sqlite3_step(t) == SQLITE_ROW) {
            for (int c = 0; c < sqlite3_column_count(t); c++) {
                const char *text = (const char *)sqlite3_column_text(t, c);
                str_addf(&s, "%s%s", c ? " | " : "", text ? text : "NULL");
            }
            str_addc(&s, '\n');
        }
        str_addc(&s, '\n');
        sqlite3_finalize(t);
    }
    sqlite3_close(db);
    return str_take(&s);
}

static void same_text(const char *a, const char *x, size_t n, const char *b, const char *y, size_t m)
{
    size_t at = 0, line = 0;
    while (at < n && at < m && x[at] == y[at]) {
        line = x[at] == '\n' ? at + 1 : line;
        at++;
    }
    if (at == n && at == m)
        return;
    fail_msg("%s and %s differ at byte %zu:\n%.400s\n%.400s", a, b, at, n ? x + line : "", m ? y + line : "");
}

/* They grow while a training goes on, and are a copy of what the store has. */
static bool is_log(const char *name)
{
    return strcmp(name, METRIC_LOG_FILE) == 0 || strcmp(name, TENSORBOARD_FILE) == 0 || strcmp(name, TIMING_FILE) == 0;
}

/* What times a training took differs from run to run: its steps are the same, each once. */
static bool is_timing(const char *path)
{
    return strcmp(path_base(path), TIMING_FILE) == 0 || str_ends(path, TIMING_DIRECTORY "/" TENSORBOARD_FILE);
}

/* The text up to each line's second field; of events, whose numbers all have their width, how many bytes there are. */
static void keep_steps(const char *path, char *text, size_t *n)
{
    size_t kept = 0;
    if (!str_ends(path, TIMING_FILE))
        kept = (size_t)snprintf(text, *n, "%zu", *n);
    else
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
            size_t more = strcspn(line, ",");
            memmove(text + kept, line, more);
            kept += more;
            text[kept++] = '\n';
        }
    *n = kept;
}

static bool is_store(const char *name)
{
    return (strstr(name, ".rlaif") && !is_log(path_base(name))) ||
           strstr(name, ".sqlite"); /* with what SQLite puts beside */
}

static void same_file(const char *a, const char *b)
{
    Err err = {0};
    char *x, *y;
    size_t n, m;
    if (is_store(a)) {
        x = dump_store(a);
        y = dump_store(b);
        n = strlen(x);
        m = strlen(y);
    } else {
        need_ok(file_read(a, 1 << 30, &x, &n, &err) && file_read(b, 1 << 30, &y, &m, &err), &err);
        if (is_timing(a)) {
            keep_steps(a, x, &n);
            keep_steps(b, y, &m);
        }
    }
    same_text(a, x, n, b, y, m);
    free(x);
    free(y);
}

static bool is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

void no_halves(const char *whole, const char *part)
{
    Err err = {0};
    char **names;
    int n;
    need_ok(dir_list(part, &names, &n, &err), &err);
    for (int i = 0; i < n; i++) {
        char *p = path_join(part, names[i]), *q = path_join(whole, names[i]);
        bool counts = !is_link(p) && !is_store(names[i]) && !str_ends(names[i], ".tmp") &&
                      !str_starts(names[i], ".new-") && !str_starts(names[i], "checkpoint-") && !is_log(names[i]);
        if (counts && file_is_dir(p))
            no_halves(q, p);
        else if (counts)
            same_file(q, p);
        free(p);
        free(q);
    }
    names_free(names, n);
}

static void names_text(char **names, int n, Str *out)
{
    for (int i = 0; i < n; i++)
        str_addf(out, "%s\n", names[i]);
}

void same_folders(const char *a, const char *b)
{
    Err err = {0};
    char **names, **other;
    int n, m;
    need_ok(dir_list(a, &names, &n, &err) && dir_list(b, &other, &m, &err), &err);
    Str x = {0}, y = {0};
    names_text(names, n, &x);
    names_text(other, m, &y);
    same_text(a, str_text(&x), x.n, b, str_text(&y), y.n);
    str_release(&x);
    str_release(&y);
    for (int i = 0; i < n; i++) {
        char *p = path_join(a, names[i]), *q = path_join(b, names[i]);
        if (is_link(p))
            assert_true(is_link(q));
        else if (file_is_dir(p))
            same_folders(p, q);
        else
            same_file(p, q);
        free(p);
        free(q);
    }
    names_free(names, n);
    names_free(other, m);
}
