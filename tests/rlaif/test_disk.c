/* What training leaves on the disk at most at one time, by looking while it runs, against what it says before. */
#include "base/file.h"
#include "base/mem.h"
#include "rlaif/learn/reward.h"
#include "rlaif/learn/sft.h"
#include "rlaif/rl/rl.h"
#include "training.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

/* Bytes of the files in a directory and below; what goes away meanwhile counts nothing. */
static double bytes_below(const char *path)
{
    struct stat s;
    if (lstat(path, &s) != 0)
        return 0;
    if (!S_ISDIR(s.st_mode))
        return (double)s.st_size;
    double bytes = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        char *below = path_join(path, e->d_name);
        bytes += bytes_below(below);
        free(below);
    }
    if (dir)
        closedir(dir);
    return bytes;
}

typedef struct Watch {
    const char *path;
    double most;
    atomic_bool over;
} Watch;

static void *look(void *context)
{
    Watch *w = context;
    while (!atomic_load(&w->over)) {
        double now = bytes_below(w->path);
        w->most = now > w->most ? now : w->most;
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return NULL;
}

typedef struct Case {
    const char *kind, *save_every, *eval_every, *more; /* eval_every NULL: nothing is measured */
} Case;

static bool train(Bench *b, const Case *c, const char *name, Err *err)
{
    char *output = mem_printf("output=@%s", name), *every = mem_printf("save-every=%s", c->save_every),
         *measure = mem_printf("eval-every=%s", c->eval_every ? c->eval_every : "0"),
         *eval =
             c->eval_every ? mem_printf("eval=@%s", strcmp(c->kind, "rl") == 0 ? "held.jsonl" : "rated.jsonl") : NULL;
    const char *more = c->more ? c->more : eval, *last = c->more ? eval : NULL;
    bool ok = strcmp(c->kind, "sft") == 0
                  ? bench_run(b, &sft_table, sft_stage, name, err, "data=@demos.jsonl", "model=" TINY_LLAMA_DIR,
                              "batch=1", "epochs=1", output, every, more, last, NULL)
              : strcmp(c->kind, "reward") == 0
                  ? bench_run(b, &reward_table, reward_stage, name, err, "pairs=@pairs.jsonl", "model=" TINY_LLAMA_DIR,
                              "batch=1", "labels=human", output, every, measure, more, last, NULL)
                  : bench_run(b, &rl_table, rl_stage, name, err, "prompts=@prompts.jsonl", "model=" TINY_LLAMA_DIR,
                              "reward=@reward", "steps=8", "batch=2", "samples=2", "max-new-tokens=4", output, every,
                              measure, more, last, c->eval_every ? "keep-best=1" : NULL, NULL);
    free(output), free(every), free(measure), free(eval);
    return ok;
}

static void as_said(void **state)
{
    (void)state;
    static const Case cases[] = {
        {"sft", "1", NULL, NULL},
        {"sft", "100", NULL, "optimizer=adamw"}, /* the model alone */
        {"sft", "1", NULL, "lora=4"},
        {"reward", "4", NULL, "optimizer=adamw"}, /* two, and the model */
        {"reward", "2", "3", NULL},
        {"reward", "1", NULL, "lora=8"},
        {"rl", "1", NULL, NULL}, /* with a value network */
        {"rl", "2", "3", "baseline=group"},
        {"rl", "1", NULL, "lora=8"},
    };
    Bench b;
    bench_begin(&b);
    for (int i = 0; i < COUNT(cases); i++) {
        Err err = {0};
        char name[20];
        snprintf(name, sizeof name, "out-%d", i);
        char *out = bench_path(&b, name);
        Watch w = {.path = out};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, look, &w), 0);
        bool ok = train(&b, &cases[i], name, &err);
        atomic_store(&w.over, true);
        pthread_join(thread, NULL);
        need_ok(ok, &err);
        double said = bench_summary(&b, "planned_disk_bytes");
        if (w.most > 1.05 * said || said > 1.15 * w.most)
            fail_msg("%s, --save-every %s, --eval-every %s, %s: says %.0f bytes, leaves %.0f at most", cases[i].kind,
                     cases[i].save_every, cases[i].eval_every ? cases[i].eval_every : "0",
                     cases[i].more ? cases[i].more : "", said, w.most);
        free(out);
    }
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_said)};
    return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
