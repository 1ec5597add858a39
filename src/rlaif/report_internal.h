/* What the parts of the report share: the run as it was read, the page as it grows, and how numbers, tables and charts are
 * written. Everything that comes from the store or the recipe goes through html_text; what the say_ functions return
 * is ready for the page. */
#ifndef RLAIF_REPORT_INTERNAL_H
#define RLAIF_REPORT_INTERNAL_H

#include "base/html.h"
#include "rlaif/recipe.h"
#include "rlaif/stage.h"

/* --- the run -------------------------------------------------------------------------------------------- */

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
} ReportStage;

typedef struct Report {
    Work *work;
    const char *run_dir;
    Recipe recipe;
    bool has_recipe;
    ReportStage *stage; /* as the recipe has them; others after these, as they were made */
    int n;
} Report;

/* The next stage of a kind after `after` (NULL: the first), or NULL; and how many there are. */
const ReportStage *report_next(const Report *r, const char *kind, const ReportStage *after);
int report_count(const Report *r, const char *kind);
/* Of stages of a kind all that hold something to show: at most `most` into out. */
int report_collect(const Report *r, const char *kind, const ReportStage **out, int most);
enum { MOST_STAGES = 64 };
const Series *report_series(const ReportStage *s, const char *metric); /* or NULL */
double report_kl(
    const json_t *summary); /* of rl: the last step's KL, at whichever temperature; NAN where it has none */

/* An option's text in the recipe as it stands there, or NULL. */
const char *report_value(const ReportStage *s, const char *option);
/* The stage that made what an option names; without a recipe, or where the option is a plain file, NULL. */
const ReportStage *report_maker(const Report *r, const ReportStage *s, const char *option);
/* A path for the page: without the run's directory, and of one that begins at the root its last part alone. */
const char *report_path(const Report *r, const char *path);
const char *report_hash(const ReportStage *s, const char *name); /* of `about`; NULL where absent or empty */

/* As report_maker; without a recipe, the only stage of that kind. */
const ReportStage *report_maker_or_only(const Report *r, const ReportStage *s, const char *option, const char *kind);
/* All stages of a kind that made what an option names, which may be a list; without a recipe, the only one of it. Returns
 * how many, at most `most`. */
int report_makers(const Report *r, const ReportStage *s, const char *option, const char *kind, const ReportStage **out,
                  int most);

enum { MOST_TEACHERS = 8 };

/* A judge with its prompt, by their hashes. */
typedef struct JudgeHash {
    const char *judge, *prompt;
} JudgeHash;

/* A stage's options, its summary, the first and last values of its metrics ("reward_last"), and of accuracy on held-out
 * pairs its interval, "eval_interval". The caller releases it. */
json_t *report_numbers(const ReportStage *s);

/* What a reward is made of, and with it what a policy was trained to please. */
typedef struct Taste {
    const ReportStage *rl, *reward;          /* those that are known */
    const char *reward_hash;                 /* of the reward model; NULL: there is none */
    bool direct;                             /* a judge rewards the replies itself, alone or beside a reward model */
    bool ai, people;                         /* the reward model imitates a judge's labels, people's choices, or both */
    double pairs_ai, pairs_people;           /* of each; NAN: not known */
    const ReportStage *label[MOST_TEACHERS]; /* those labels */
    int labels;
    JudgeHash judge[MOST_TEACHERS + 1]; /* every judge behind the reward that is known */
    int judges;
    bool known; /* there is no other */
} Taste;
Taste report_taste(const Report *r, const ReportStage *rl);
/* The same of a reward model, by the stage that made it. */
Taste report_taste_of_model(const Report *r, const ReportStage *reward);
/* Is the reward model trained on labels of this stage? */
bool report_taught_by(const Taste *t, const ReportStage *label);

/* The reinforcement learning that made what a stage makes, also through samples of it and a choice among its
 * checkpoints; NULL: none. */
const ReportStage *report_training_of(const Report *r, const ReportStage *s);
/* Is the judge, or the reward model, of an evaluation's result one that `rl`, or the training that it began with, was by?
 * 1: it is, 0: it is another, -1: not known. */
int report_pleases(const Report *r, const ReportStage *rl, const ReportStage *eval, const json_t *result);

/* Is the network that judged an evaluation behind the rewards of a policy, or of the one that it began with, by whatever
 * prompt? */
bool report_same_network(const Report *r, const ReportStage *rl, const ReportStage *eval);
/* Did a policy's training, or one before it, begin with the model of this hash? */
bool report_began_as(const Report *r, const ReportStage *rl, const char *hash);

/* Who compares two replies at once, a judge; or says of each alone how good it is, a judge or a reward model. */
typedef enum Sort { BY_COMPARISON, BY_SCORE, BY_REWARD, SORTS } Sort;

/* One judge prompt's result, or a reward model's, of an evaluation of policy A against B. */
typedef struct Outcome {
    const ReportStage *eval;
    const json_t *result, *interval;
    Sort sort;
    bool pointwise;        /* each reply alone */
    double value, neutral; /* the gain and 0, or the win rate and 1/2 */
    int sign;              /* 1: A is better, -1: worse, 0: the interval holds `neutral`, or there is none */
    int trained;  /* 1: the judge, or the reward model, that A was trained to please, 0: another, -1: not known */
    bool rival;   /* the reward model is the one that B was trained on */
    bool network; /* the judge is the network that A was trained to please, by this prompt or another */
} Outcome;
enum { MOST_OUTCOMES = 64 };
bool report_by_reward(const json_t *result); /* a reward model's? */
/* Who wins a contest, as the sign of an Outcome: where its interval leaves out one half, and where all prompts are alike, so that
 * no other test minds how few they are, the binomial test over prompts too. */
int report_wins(const json_t *result);
int report_outcomes(const Report *r, Outcome out[MOST_OUTCOMES]);
/* Who says so: "<b>PROMPT</b>", "the reward model STAGE". */
void html_judge(Str *out, const Report *r, const Outcome *x);
/* What A ("policy") or B ("against") of an evaluation is: a stage, a model's file, or the letter. */
void html_policy(Str *out, const Report *r, const ReportStage *eval, const char *option);

/* The reinforcement learning that a side of an evaluation comes from, or NULL. */
const ReportStage *report_side_training(const Report *r, const ReportStage *eval, const char *option);
/* Was a checkpoint chosen by it? */
bool report_is_choice(const Report *r, const ReportStage *eval);
/* The sample stage whose replies an evaluation's side ("policy", "against") are, or NULL. */
const ReportStage *report_sampled(const Report *r, const ReportStage *eval, const char *option);

/* --- words ---------------------------------------------------------------------------------------------- */

typedef struct Said {
    char text[120];
} Said;
Said say_number(double x, int decimals); /* "0.214", a real minus; a dash where it is not finite */
Said say_signed(double x, int decimals);
Said say_percent(double x);                                         /* of a share: "97.5 %" */
Said say_p(double p);                                               /* "p = 0.034" */
Said say_range(const json_t *interval, double times, int decimals); /* "0.12 to 0.30" */
Said say_count(double n, const char *one, const char *many);        /* "1 pair", "40 pairs" */
bool range_holds(const json_t *interval, double x);                 /* also where there is none */

/* A judge prompt by its name, or by its file's. */
void html_prompt(Str *out, const char *name);
/* Names a stage, with a link to what is said of it. */
void html_stage(Str *out, const ReportStage *s);
/* A policy as evaluations name it: the stage of that name, or the text. */
void html_named(Str *out, const Report *r, const char *name);
void html_heading(Str *out, int level, const char *id, const char *text);
/* A reply, cut where it is very long; NULL: it is no whole text. And the prompt of a row, as a paragraph. */
void html_reply(Str *out, const char *text);
void html_row_prompt(Str *out, const json_t *row);
/* A paragraph: the format's own words are HTML; arguments must be ready for the page. */
void html_p(Str *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* --- tables --------------------------------------------------------------------------------------------- */

/* AS_POINTS: a difference of shares, "+2.5 points"; AS_DOLLARS: "$0.0091". */
typedef enum Format {
    AS_COUNT,
    AS_TENTHS,
    AS_NUMBER,
    AS_SIGNED,
    AS_PERCENT,
    AS_POINTS,
    AS_DOLLARS,
    AS_P,
    AS_TEXT,
    AS_YES
} Format;

/* One line of a table: a field of every column's object. */
typedef struct Measure {
    const char *label, *key;
    Format format;
    const char *interval; /* the field of its interval, or NULL */
} Measure;

/* Measures down, things side by side, so many that a page is wide enough, then the next below them. Lines that no column
 * has are left out. `head` is HTML. */
void html_measures(Str *out, const Measure *m, int n, const json_t *const *column, const char *const *head,
                   int columns);

/* The same of one object, without a head. */
void html_object(Str *out, const json_t *object, const Measure *m, int n);
/* The same of the objects of a list, each with what `head` writes above it. */
typedef void HtmlHead(Str *out, const Report *r, const json_t *object);
void html_objects(Str *out, const Report *r, const json_t *list, HtmlHead *head, const Measure *m, int n);
/* Of a policy ("policy"), of two of them ("a", "b"). */
HtmlHead head_policy, head_against, head_less;
/* What the paper's two-sample t-test is worth, beside which it stands. */
void html_two_samples(Str *out);
/* What evaluations say of raters: how many, how far they agree (eval_raters.h). */
void html_raters(Str *out, const Report *r, const json_t *raters);

/* --- charts --------------------------------------------------------------------------------------------- */

typedef struct ChartLine {
    const ReportStage *stage;
    const Series *series;
} ChartLine;

enum { CHART_LINES = 8 };

/* Lines over steps, one for each stage that has the metric; nothing where none has. */
void chart_metric(Str *out, const ReportStage *const *stage, int n, const char *metric, const char *title);
void chart_legend(Str *out, const ReportStage *const *stage, int n);
void chart_histogram(Str *out, const int *bin, int bins, const ReportStage *stage);
/* A value with its interval on a line from low to high, with a mark at `zero`. */
void chart_whisker(Str *out, double value, const json_t *interval, double low, double high, double zero);

/* --- parts of the page ---------------------------------------------------------------------------------- */

void report_arms(Str *out, const Report *r);
void report_lead(Str *out, const Report *r);
void report_results(Str *out, const Report *r);
void report_people(Str *out, const Report *r);
void report_harmless(Str *out, const Report *r);
void report_probes(Str *out, const Report *r);
bool report_paper(Str *out, const Report *r, Err *err) MUST_CHECK;
void report_meaning(Str *out, const Report *r);
/* Entries of its list: which questions were asked of one network; how many comparisons there are. */
void report_say_networks(Str *out, const Report *r);
void report_say_comparisons(Str *out, const Report *r);
/* Replies of sample stages. Of evaluations whose replies are all among them whole[number of the stage] is set. */
bool report_replies(Str *out, const Report *r, bool *whole, Err *err) MUST_CHECK;
bool report_samples(Str *out, const Report *r, Err *err) MUST_CHECK;
void report_labels(Str *out, const Report *r);
void report_training(Str *out, const Report *r);
void report_provenance(Str *out, const Report *r);

#endif
