/* The run that a report is of, read once: its stages in the order of the recipe, each with its summary, curves and labels.
 * Whatever else makes the page only reads it. */
#ifndef RLAIF_REPORT_PAGE_RUN_H
#define RLAIF_REPORT_PAGE_RUN_H

#include "rlaif/recipe/recipe.h"
#include "rlaif/stage/stage.h"

enum { LABEL_BINS = 20 };

/* One metric of a stage that trained. */
typedef struct Series {
    char *metric;
    double *step, *value; /* [n] in order of step */
    int n, cap;
} Series;

typedef struct ReportStage {
    StageRow row;
    json_t *about, *summary; /* objects; empty where the store has none */
    const Yaml *recipe;      /* its options in the recipe, or NULL */
    int place;               /* in the recipe; after all of them where it is not there */
    int number;              /* on the page, from 1: its anchor */
    int items;
    Series *series;
    int n_series;
    int bin[LABEL_BINS]; /* of kind "label": how often P(first is preferred) fell in each */
    json_t *alignment;   /* of kind "label" with rows: the numbers of alignment_stage; else NULL */
    json_t *label;       /* and the label of its first row */
    json_t *judgments; /* of kind "rl" whose rewards a judge gives: what was said of a reply, by each part; else NULL */
} ReportStage;

typedef struct Report {
    Work *work;
    const char *run_dir;
    Recipe recipe;
    bool has_recipe;
    ReportStage *stage; /* as the recipe has them; others after these, as they were made */
    int n;
} Report;

/* Reads the store, which is open, and run_dir/recipe.yaml where there is one; run_dir must outlive it. After a failure too it
 * is to be released. */
bool report_read(Report *r, Work *work, const char *run_dir, Err *err) MUST_CHECK;
void report_release(Report *r);

/* A stage alone, whose row is read: what it says of itself, and its curves. Zeroed before, released after. */
bool report_stage_read(ReportStage *s, Store *store, Err *err) MUST_CHECK;
bool report_series_read(ReportStage *s, Store *store, Err *err) MUST_CHECK;
void report_stage_release(ReportStage *s);

/* The next stage of a kind after `after` (NULL: the first), or NULL; and how many there are. */
const ReportStage *report_next(const Report *r, const char *kind, const ReportStage *after);
int report_count(const Report *r, const char *kind);
/* Of stages of a kind all that hold something to show: at most `most` into out. */
int report_collect(const Report *r, const char *kind, const ReportStage **out, int most);
enum { MOST_STAGES = 64 };
const Series *report_series(const ReportStage *s, const char *metric); /* or NULL */

/* An option's text in the recipe as it stands there, or NULL. */
const char *report_value(const ReportStage *s, const char *option);
/* The stage that made what an option names; without a recipe, or where the option is a plain file, NULL. */
const ReportStage *report_maker(const Report *r, const ReportStage *s, const char *option);
/* The same of a reward model in a list of rewards, by its place there. */
const ReportStage *report_maker_of_part(const Report *r, const ReportStage *rl, int part);
/* As report_maker; without a recipe, the only stage of that kind. */
const ReportStage *report_maker_or_only(const Report *r, const ReportStage *s, const char *option, const char *kind);
/* The stage of a kind that made the model of this hash, as rows and summaries write it; NULL: none of this run did. */
const ReportStage *report_maker_by_hash(const Report *r, const char *kind, const char *hash);
/* All stages of a kind that made what an option names, which may be a list; without a recipe, the only one of it. Returns
 * how many, at most `most`. */
int report_makers(const Report *r, const ReportStage *s, const char *option, const char *kind, const ReportStage **out,
                  int most);
/* A path for the page: without the run's directory, and of one that begins at the root its last part alone. */
const char *report_path(const Report *r, const char *path);

const char *report_hash(const ReportStage *s, const char *name); /* of `about`; NULL where absent or empty */
/* Of the summary of rl: the last step's KL, at whichever temperature; NAN where it has none. */
double report_kl(const json_t *summary);
bool report_by_reward(const json_t *result); /* of an evaluation: is it a reward model's? */
/* A stage's options, its summary, the first and last values of its metrics ("reward_last"), and of accuracy on held-out
 * pairs its interval, "eval_interval". The caller releases it. */
json_t *report_numbers(const ReportStage *s);

#endif
