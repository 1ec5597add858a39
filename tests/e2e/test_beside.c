/* The program beside a run that goes on: what shows a run works, what would write the run is refused. */
#include "program.h"

#include "base/file.h"
#include "base/mem.h"
#include "store/store.h"

static void beside_a_run(void **state)
{
    (void)state;
    static const char *const refused[] = {"rlaif run small.yaml",
                                          "rlaif sample p.jsonl --model llama --run runs/small -o x.jsonl"};
    Err err = {0};
    int64_t id;
    char *bench = make_bench(test_folder, "bench"), *dir = path_join(bench, "runs/small"),
         *path = path_join(dir, "store.sqlite"), *page;
    size_t n;
    need_ok(dir_make(dir, &err), &err);
    Store *run = open_run(path, &id);
    need_ok(store_metric(run, id, 0, "reward", 0.25, &err), &err);
    Ran r = run_in(bench, "rlaif inspect runs/small");
    need_status(&r, 0);
    says(r.out, "unfinished");
    ran_free(&r);
    runs_with_status(bench, 0, "rlaif report runs/small -o report.html");
    char *report = path_join(bench, "report.html");
    need_ok(file_read(report, 1 << 24, &page, &n, &err), &err);
    says(page, "Not finished:");
    for (int i = 0; i < COUNT(refused); i++)
        need_message(run_in(bench, "%s", refused[i]), 1, "store.sqlite: another rlaif is writing it", "wait for it");
    runs_with_status(bench, 1, "ls x.jsonl runs/small/recipe.yaml 2>/dev/null | grep .");
    need_ok(store_metric(run, id, 1, "reward", 0.5, &err), &err);
    store_close(run);
    runs_with_status(bench, 0, "%s", refused[1]);
    free(page);
    free(report);
    free(path);
    free(dir);
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {IN_FOLDER(beside_a_run)};
    return cmocka_run_group_tests_name("beside", tests, NULL, NULL);
}
