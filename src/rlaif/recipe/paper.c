/* A paper's figures beside a recipe's own numbers: the table of numbers, the section read, the numbers looked up. */
#include "rlaif/recipe/paper.h"

#include "base/mem.h"
#include "rlaif/stage/line.h"

/* Where a stage's summary holds a number, its interval (NULL, or absent: of a share Wilson's) and its count (NULL: it has none, and no
 * interval). `#` is the place in a list. */
typedef struct PaperNumber {
    const char *name, *kind, *value, *interval, *n;
    PaperUnit unit;
} PaperNumber;

/* clang-format off */
static const PaperNumber numbers[] = {
    {"alignment", "label", "alignment.accuracy", "alignment.interval", "alignment.with_choice", PAPER_SHARE},
    {"same-slot", "label", "alignment.position.same_slot_rate", "alignment.position.interval", "alignment.position.pairs", PAPER_SHARE},
    {"first-of-same-slot", "label", "alignment.position.first_share", "alignment.position.first_share_interval", "alignment.position.same_slot", PAPER_SHARE},
    {"kappa", "label", "alignment.kappa", NULL, NULL, PAPER_NUMBER},
    {"auc", "label", "alignment.auc", NULL, NULL, PAPER_NUMBER},
    {"against-length", "label", "alignment.against_length", "alignment.against_length_interval", "alignment.against_length_pairs", PAPER_SHARE},
    {"longer", "label", "alignment.longer_accuracy", "alignment.longer_interval", "alignment.with_choice", PAPER_SHARE},
    {"alignment-of-trials", "label", "choice.candidates.#.accuracy", "choice.candidates.#.interval", "choice.candidates.#.n", PAPER_SHARE},
    {"least-of-trials", "label", "choice.candidates.#.least", NULL, NULL, PAPER_SHARE},
    {"most-of-trials", "label", "choice.candidates.#.most", NULL, NULL, PAPER_SHARE},
    {"accuracy", "reward", "eval_accuracy", NULL, "eval_prompts", PAPER_SHARE},
    {"accuracy", "eval accuracy", "accuracy", "interval", "pairs", PAPER_SHARE},
    {"auc", "score", "auc", NULL, "marked", PAPER_NUMBER},
    {"correlation", "score", "correlation_with_before", NULL, "correlation_prompts", PAPER_NUMBER},
    {"longer", "eval accuracy", "longer_accuracy", "longer_interval", "pairs", PAPER_SHARE},
    {"win-rate", "eval winrate", "results.#.win_rate", "results.#.win_rate_bootstrap", "pairs", PAPER_SHARE},
    {"win-rate-at-equal-length", "eval winrate", "results.#.length_controlled", "results.#.length_controlled_interval", "pairs", PAPER_SHARE},
    {"length-share", "eval winrate", "results.#.length_share", "results.#.length_share_interval", "pairs", PAPER_POINTS},
    {"gain", "eval winrate", "results.#.gain", "results.#.gain_interval", "prompts", PAPER_NUMBER},
    {"gain-in-spreads", "eval winrate", "results.#.gain_in_spreads", "results.#.gain_in_spreads_interval", "prompts", PAPER_NUMBER},
    {"gain-in-spreads-at-equal-length", "eval winrate", "results.#.gain_in_spreads_at_equal_length", "results.#.gain_in_spreads_at_equal_length_interval", "prompts", PAPER_NUMBER},
    {"length-share-of-gain", "eval winrate", "results.#.length_share_of_gain", "results.#.length_share_of_gain_interval", "prompts", PAPER_NUMBER},
    {"harmless-rate", "eval harmless", "policies.#.harmless", "policies.#.interval", "policies.#.n", PAPER_SHARE},
    {"win-rate", "eval ratings", "pairs.#.win_rate", "pairs.#.win_rate_bootstrap", "pairs.#.n", PAPER_SHARE},
    {"win-rate-at-equal-length", "eval ratings", "pairs.#.length_controlled", "pairs.#.length_controlled_interval", "pairs.#.n", PAPER_SHARE},
    {"length-share", "eval ratings", "pairs.#.length_share", "pairs.#.length_share_interval", "pairs.#.n", PAPER_POINTS},
    {"kendall-w", "eval ratings", "kendall.w", "kendall.interval", "kendall.items", PAPER_NUMBER},
};
/* clang-format on */

/* --- the section ---------------------------------------------------------------------------------------- */

static bool failed(const Recipe *r, const Yaml *y, Err *err)
{
    return err_context(err, "%s:%d", r->path, y->line);
}

const char *paper_differs(const Recipe *r)
{
    const Yaml *text = yaml_get(r->paper, "differs");
    return text && text->kind == YAML_TEXT ? text->text : NULL;
}

static const Yaml *figures(const Recipe *r)
{
    const Yaml *list = yaml_get(r->paper, "figures");
    return list && list->kind == YAML_LIST ? list : NULL;
}

int paper_count(const Recipe *r)
{
    return figures(r) ? figures(r)->n : 0;
}

/* "STAGE.NUMBER" or "STAGE.NUMBER.N"; a stage's name may hold dots. */
static const RecipeStage *find_stage(const Recipe *r, const char *ours)
{
    const RecipeStage *found = NULL;
    for (int i = 0; i < r->n; i++) {
        size_t n = strlen(r->stage[i].name);
        if (strncmp(ours, r->stage[i].name, n) == 0 && ours[n] == '.' && (!found || n > strlen(found->name)))
            found = &r->stage[i];
    }
    return found;
}

static bool find_number(PaperTerm *f, const char *text, Err *err)
{
    size_t n = strcspn(text, ".");
    long place = text[n] ? strtol(text + n + 1, NULL, 10) : 1;
    Str known = {0};
    f->number = NULL;
    f->place = (int)place - 1;
    for (int i = 0; i < COUNT(numbers); i++) {
        if (strcmp(numbers[i].kind, f->stage->kind) != 0)
            continue;
        if (strlen(numbers[i].name) == n && strncmp(numbers[i].name, text, n) == 0)
            f->number = &numbers[i];
        str_addf(&known, "%s%s", known.n ? ", " : "", numbers[i].name);
    }
    bool ok = f->number && place >= 1 && place <= 1000;
    if (!ok) {
        err_set(err, ERR_INPUT, "the stage %s has no number \"%s\"", f->stage->name, text);
        err_hint(err, known.n ? "stages of its kind have %s" : "stages of its kind have none%s", str_text(&known));
    }
    str_release(&known);
    return ok;
}

static bool read_term(const Recipe *r, const Yaml *ours, PaperTerm *t, Err *err)
{
    if (ours->kind != YAML_TEXT)
        return err_set(err, ERR_INPUT, "\"ours\" is STAGE.NUMBER, or a list of them");
    *t = (PaperTerm){.stage = find_stage(r, ours->text)};
    if (t->stage)
        return find_number(t, ours->text + strlen(t->stage->name) + 1, err);
    err_set(err, ERR_INPUT, "\"ours: %s\" names no stage of the recipe", ours->text);
    return err_hint(err, "write STAGE.NUMBER, as in `ours: label.alignment`");
}

static bool read_terms(const Recipe *r, const Yaml *ours, PaperFigure *f, Err *err)
{
    if (ours->kind == YAML_LIST && (ours->n < 2 || ours->n > MOST_TERMS))
        return err_set(err, ERR_INPUT, "a list \"ours\" has 2 to %d runs, not %d", MOST_TERMS, ours->n);
    f->n = ours->kind == YAML_LIST ? ours->n : 1;
    for (int i = 0; i < f->n; i++)
        if (!read_term(r, ours->kind == YAML_LIST ? ours->item[i] : ours, &f->term[i], err))
            return false;
    return true;
}

static bool read_over(const Yaml *over, PaperFigure *f, Err *err)
{
    f->slope = over != NULL;
    bool ok = !over || (over->kind == YAML_LIST && over->n == f->n && f->n > 2);
    for (int i = 0; ok && over && i < f->n; i++) {
        const char *text = over->item[i]->kind == YAML_TEXT ? over->item[i]->text : "";
        char *end;
        f->over[i] = strtod(text, &end);
        ok = *text && !*end && isfinite(f->over[i]);
    }
    return ok || err_set(err, ERR_INPUT, "\"over\" needs a number for each of the 3 or more runs that \"ours\" lists");
}

static const char *const figure_keys[] = {"what", "figure", "ours", "over", "test"};
enum { WHAT, FIGURE, OURS, OVER, TEST };

static bool read_text(const Yaml *y, int key, const char **out, Err *err)
{
    const Yaml *value = yaml_get(y, figure_keys[key]);
    if (!value || value->kind != YAML_TEXT)
        return err_set(err, ERR_INPUT, "a figure needs \"%s\", a text", figure_keys[key]);
    *out = value->text;
    return true;
}

static bool read_figure(const Recipe *r, const Yaml *y, bool primary, PaperFigure *f, Err *err)
{
    *f = (PaperFigure){0};
    if (y->kind != YAML_MAP)
        return err_set(err, ERR_INPUT, "a figure is {what, figure, ours}");
    if (!read_text(y, WHAT, &f->what, err) || !read_text(y, FIGURE, &f->figure, err) ||
        (primary && !read_text(y, TEST, &f->test, err)))
        return false;
    const Yaml *ours = yaml_get(y, figure_keys[OURS]);
    if (!ours)
        return err_set(err, ERR_INPUT, "a figure needs \"ours\"");
    return read_terms(r, ours, f, err) && read_over(yaml_get(y, figure_keys[OVER]), f, err);
}

static bool figure_of(const Recipe *r, const Yaml *y, bool primary, PaperFigure *out, Err *err)
{
    if (!yaml_check_keys(y, figure_keys, primary ? TEST + 1 : TEST, r->path, err))
        return false;
    return read_figure(r, y, primary, out, err) || failed(r, y, err);
}

bool paper_figure(const Recipe *r, int i, PaperFigure *out, Err *err)
{
    return figure_of(r, figures(r)->item[i], false, out, err);
}

bool paper_has_primary(const Recipe *r)
{
    return yaml_get(r->paper, "primary") != NULL;
}

bool paper_primary(const Recipe *r, PaperFigure *out, Err *err)
{
    return figure_of(r, yaml_get(r->paper, "primary"), true, out, err);
}

bool paper_check(const Recipe *r, Err *err)
{
    static const char *const keys[] = {"differs", "primary", "figures"};
    if (!r->paper)
        return true;
    if (r->paper->kind != YAML_MAP || !paper_differs(r) || !figures(r)) {
        err_set(err, ERR_INPUT, "\"paper\" needs \"differs\", a text, and \"figures\", a list");
        return failed(r, r->paper, err);
    }
    if (!yaml_check_keys(r->paper, keys, COUNT(keys), r->path, err))
        return false;
    PaperFigure f;
    if (paper_has_primary(r) && !paper_primary(r, &f, err))
        return false;
    for (int i = 0; i < paper_count(r); i++)
        if (!paper_figure(r, i, &f, err))
            return false;
    return true;
}

/* A text, or a list of texts in one line. */
static void append_value(const Yaml *value, Str *out)
{
    if (value->kind == YAML_TEXT)
        yaml_append_text(out, value->text);
    for (int i = 0; value->kind == YAML_LIST && i < value->n; i++) {
        str_add(out, i ? ", " : "[");
        yaml_append_text(out, value->item[i]->text);
    }
    str_add(out, value->kind == YAML_LIST ? "]\n" : "\n");
}

static void append_figure(const Yaml *y, const char *first, const char *next, Str *out)
{
    for (int k = 0, n = 0; k < COUNT(figure_keys); k++) {
        const Yaml *value = yaml_get(y, figure_keys[k]);
        if (!value)
            continue;
        str_addf(out, "%s%s: ", n++ ? next : first, figure_keys[k]);
        append_value(value, out);
    }
}

void paper_append_yaml(const Recipe *r, Str *out)
{
    if (!r->paper)
        return;
    str_add(out, "paper:\n  differs: ");
    yaml_append_text(out, paper_differs(r));
    str_add(out, paper_has_primary(r) ? "\n  primary:\n" : "\n");
    if (paper_has_primary(r))
        append_figure(yaml_get(r->paper, "primary"), "    ", "    ", out);
    str_add(out, paper_count(r) ? "  figures:\n" : "  figures: []\n");
    for (int i = 0; i < paper_count(r); i++)
        append_figure(figures(r)->item[i], "    - ", "      ", out);
}

/* --- the numbers ---------------------------------------------------------------------------------------- */

/* "results.#.win_rate" of a summary, or NULL. */
static const json_t *look_up(const json_t *at, const char *path, int place)
{
    while (at && path[0]) {
        size_t n = strcspn(path, ".");
        char *key = mem_strn(path, n);
        at = strcmp(key, "#") == 0 ? json_array_get(at, (size_t)place) : json_object_get(at, key);
        free(key);
        path += n + (path[n] == '.');
    }
    return at;
}

static double number_at(const json_t *summary, const char *path, int place)
{
    const json_t *j = path ? look_up(summary, path, place) : NULL;
    return json_is_number(j) ? json_number_value(j) : (double)NAN;
}

static PaperValue term_value(const PaperTerm *f, const json_t *summary)
{
    const PaperNumber *p = f->number;
    PaperValue v = {
        .value = number_at(summary, p->value, f->place), .n = number_at(summary, p->n, f->place), .unit = p->unit};
    const json_t *interval = p->interval ? look_up(summary, p->interval, f->place) : NULL;
    Interval wilson = isfinite(v.value) && v.n >= 1 ? stats_wilson(v.value * v.n, (int)v.n) : (Interval){NAN, NAN};
    bool without = v.unit == PAPER_SHARE && !interval; /* null: the stage says that it has none */
    v.low = without ? wilson.low : (double)NAN;
    v.high = without ? wilson.high : (double)NAN;
    if (json_array_size(interval) == 2) {
        v.low = json_number_value(json_array_get(interval, 0));
        v.high = json_number_value(json_array_get(interval, 1));
    }
    return v;
}

/* The mean of several runs, or their slope, with Student's interval over them; NaN unless each has its number. */
static PaperValue value_over_runs(const PaperFigure *f, const json_t *const *summary)
{
    double y[MOST_TERMS];
    PaperValue v = {.n = f->n, .unit = f->slope ? PAPER_NUMBER : f->term[0].number->unit};
    for (int i = 0; i < f->n; i++)
        y[i] = term_value(&f->term[i], summary[i]).value;
    Moments m = stats_moments(y, f->n);
    Line l = line_through(f->over, y, f->n);
    Interval interval = f->slope ? line_slope_interval(&l, f->over, y) : stats_t_interval(m);
    if (v.unit == PAPER_SHARE)
        interval = interval_within(interval, 0, 1);
    v.value = f->slope ? l.slope : m.mean;
    v.low = interval.low;
    v.high = interval.high;
    return v;
}

PaperValue paper_value(const PaperFigure *f, const json_t *const *summary)
{
    return f->n > 1 ? value_over_runs(f, summary) : term_value(&f->term[0], summary[0]);
}
