/* A paper's figures beside a recipe's own numbers: the table of numbers, the section read, the numbers looked up. */
#include "rlaif/recipe/paper.h"

#include "base/mem.h"
#include "rlaif/stage/stats.h"

/* Where a stage's summary holds a share, or another number, its interval (NULL, or absent: Wilson's) and its count (NULL: it has none, and
 * no interval). `#` is the place in a list. */
typedef struct PaperNumber {
    const char *name, *kind, *value, *interval, *n;
    bool no_share;
} PaperNumber;

/* clang-format off */
static const PaperNumber numbers[] = {
    {"alignment", "label", "alignment.accuracy", "alignment.interval", "alignment.with_choice", false},
    {"same-slot", "label", "alignment.position.same_slot_rate", "alignment.position.interval", "alignment.position.pairs", false},
    {"first-of-same-slot", "label", "alignment.position.first_share", "alignment.position.first_share_interval", "alignment.position.same_slot", false},
    {"longer", "label", "alignment.longer_accuracy", "alignment.longer_interval", "alignment.with_choice", false},
    {"alignment-of-trials", "label", "choice.candidates.#.accuracy", "choice.candidates.#.interval", "choice.candidates.#.n", false},
    {"least-of-trials", "label", "choice.candidates.#.least", NULL, NULL, false},
    {"most-of-trials", "label", "choice.candidates.#.most", NULL, NULL, false},
    {"accuracy", "reward", "eval_accuracy", NULL, "eval_prompts", false},
    {"accuracy", "eval accuracy", "accuracy", "interval", "pairs", false},
    {"win-rate", "eval winrate", "results.#.win_rate", "results.#.win_rate_bootstrap", "pairs", false},
    {"win-rate-at-equal-length", "eval winrate", "results.#.length_controlled", "results.#.length_controlled_interval", "pairs", false},
    {"harmless-rate", "eval harmless", "policies.#.harmless", "policies.#.interval", "policies.#.n", false},
    {"win-rate", "eval ratings", "pairs.#.win_rate", "pairs.#.win_rate_bootstrap", "pairs.#.n", false},
    {"win-rate-at-equal-length", "eval ratings", "pairs.#.length_controlled", "pairs.#.length_controlled_interval", "pairs.#.n", false},
    {"kendall-w", "eval ratings", "kendall.w", "kendall.interval", "kendall.items", true},
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

static bool find_number(PaperFigure *f, const char *text, Err *err)
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

static const char *const figure_keys[] = {"what", "figure", "ours"};

static bool read_figure(const Recipe *r, const Yaml *y, PaperFigure *f, Err *err)
{
    const char *text[COUNT(figure_keys)];
    if (y->kind != YAML_MAP)
        return err_set(err, ERR_INPUT, "a figure is {what, figure, ours}");
    for (int i = 0; i < COUNT(figure_keys); i++) {
        const Yaml *value = yaml_get(y, figure_keys[i]);
        if (!value || value->kind != YAML_TEXT)
            return err_set(err, ERR_INPUT, "a figure needs \"%s\", a text", figure_keys[i]);
        text[i] = value->text;
    }
    *f = (PaperFigure){.what = text[0], .figure = text[1], .stage = find_stage(r, text[2])};
    if (f->stage)
        return find_number(f, text[2] + strlen(f->stage->name) + 1, err);
    err_set(err, ERR_INPUT, "\"ours: %s\" names no stage of the recipe", text[2]);
    return err_hint(err, "write STAGE.NUMBER, as in `ours: label.alignment`");
}

bool paper_figure(const Recipe *r, int i, PaperFigure *out, Err *err)
{
    const Yaml *y = figures(r)->item[i];
    if (!yaml_check_keys(y, figure_keys, COUNT(figure_keys), r->path, err))
        return false;
    return read_figure(r, y, out, err) || failed(r, y, err);
}

bool paper_check(const Recipe *r, Err *err)
{
    static const char *const keys[] = {"differs", "figures"};
    if (!r->paper)
        return true;
    if (r->paper->kind != YAML_MAP || !paper_differs(r) || !figures(r)) {
        err_set(err, ERR_INPUT, "\"paper\" needs \"differs\", a text, and \"figures\", a list");
        return failed(r, r->paper, err);
    }
    if (!yaml_check_keys(r->paper, keys, COUNT(keys), r->path, err))
        return false;
    PaperFigure f;
    for (int i = 0; i < paper_count(r); i++)
        if (!paper_figure(r, i, &f, err))
            return false;
    return true;
}

void paper_append_yaml(const Recipe *r, Str *out)
{
    if (!r->paper)
        return;
    str_add(out, "paper:\n  differs: ");
    yaml_append_text(out, paper_differs(r));
    str_add(out, paper_count(r) ? "\n  figures:\n" : "\n  figures: []\n");
    for (int i = 0; i < paper_count(r); i++) {
        for (int k = 0; k < COUNT(figure_keys); k++) {
            str_addf(out, "    %s %s: ", k ? " " : "-", figure_keys[k]);
            yaml_append_text(out, yaml_get(figures(r)->item[i], figure_keys[k])->text);
            str_addc(out, '\n');
        }
    }
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

PaperValue paper_value(const PaperFigure *f, const json_t *summary)
{
    const PaperNumber *p = f->number;
    PaperValue v = {.value = number_at(summary, p->value, f->place),
                    .n = number_at(summary, p->n, f->place),
                    .share = !p->no_share};
    const json_t *interval = p->interval ? look_up(summary, p->interval, f->place) : NULL;
    Interval wilson = isfinite(v.value) && v.n >= 1 ? stats_wilson(v.value * v.n, (int)v.n) : (Interval){NAN, NAN};
    bool without = v.share && !interval; /* null: the stage says that it has none */
    v.low = without ? wilson.low : (double)NAN;
    v.high = without ? wilson.high : (double)NAN;
    if (json_array_size(interval) == 2) {
        v.low = json_number_value(json_array_get(interval, 0));
        v.high = json_number_value(json_array_get(interval, 1));
    }
    return v;
}
