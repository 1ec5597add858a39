/* What tests of the report share: a store filled by hand, its page, and what holds of every page. */
#ifndef TESTS_REPORT_PAGE_H
#define TESTS_REPORT_PAGE_H

#include "base/file.h"
#include "program.h"
#include "rlaif/report/report.h"

/* A run's folder with an empty store. */
typedef struct Run {
    char *folder;
    CommonOptions common;
    Work work;
} Run;
Run run_new(void);
void run_free(Run *r);

json_t *parsed(const char *text);
/* A stage with what its `about` and summary say; not finished where summary is NULL. Returns its id. */
int64_t add_stage(Run *r, const char *name, const char *kind, const char *about, const char *summary);
/* A finished stage whose product is a file or a directory. */
void add_made(Run *r, const char *name, const char *kind, const char *about, const char *summary, const char *output);
void add_item(Run *r, int64_t stage, int position, const char *row);

/* The page, whole; the caller frees it. */
char *page_of(Run *r);
void has(const char *page, const char *text);
void has_not(const char *page, const char *text);
/* The text between two others, the second behind the first. The caller frees it. */
char *part_of(const char *page, const char *from, const char *to);
/* Every tag is closed, nothing is loaded, no script or style but ours. */
void check_page(const char *page);

/* --- what evaluations and trainings say of themselves --- */

/* An evaluation by one comparing prompt, better by the judge `judge`. */
#define JUDGED_BY(prompt)                                                                                              \
    "{\"prompt\": \"" prompt "\", \"prompt_hash\": \"sha256:" prompt                                                   \
    "\", \"kind\": \"pairwise\", \"win_rate\": 0.7, \"interval\": [0.6, 0.8], \"win_rate_bootstrap\": [0.6, 0.8]}"
#define WINS(judge, results)                                                                                           \
    "{\"prompts\": 40, \"pairs\": 40, \"judge\": \"sha256:" judge "\", \"results\": [" results "]}"

/* A training by reinforcement learning, by the hashes of its reward. */
#define RL_BY(reward, judge, prompt)                                                                                    \
    "{\"options\": {\"beta\": 0.05, \"reward-weight\": 0.25}, \"hashes\": {\"model\": \"start\", \"reward\": \"" reward \
    "\", \"judge\": \"" judge "\", \"prompt\": \"" prompt "\"}, \"seed\": 1}"

#endif
