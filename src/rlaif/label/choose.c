/* A prompt chosen by measured alignment (paper.md 3.8, 4.2): every candidate labels an alignment set, and the one that
 * agrees with people most labels the rest. */
#include "rlaif/label/choose.h"

#include "base/mem.h"
#include "rlaif/eval/numbers.h"
#include "rlaif/label/ask.h"

char *candidate_prompt(const char *text, const char **options)
{
    text += strspn(text, " ");
    const char *end = strstr(text, " --");
    *options = end ? end : text + strlen(text);
    size_t n = (size_t)(*options - text);
    while (n > 0 && text[n - 1] == ' ')
        n--;
    return mem_strn(text, n);
}

/* A candidate's prompt, which the caller frees, and how it is asked. */
static bool read_candidate(const char *text, JudgeOptions *how, char **prompt, Err *err)
{
    static const OptionGroup group = {judge_option_rows, JUDGE_OPTIONS, 0};
    static const OptionTable table = {&group, 1, sizeof(JudgeOptions)};
    const char *options;
    *prompt = candidate_prompt(text, &options);
    char *words = mem_str(options), *rest = NULL, *argv[32];
    int argc = 0;
    for (char *w = strtok_r(words, " ", &rest); w && argc < COUNT(argv); w = strtok_r(NULL, " ", &rest))
        argv[argc++] = w;
    bool ok = (*prompt)[0] || err_set(err, ERR_INPUT, "a candidate for a prompt is empty");
    ok = ok && (options_parse(&table, how, argc, argv, err) || err_context(err, "the candidate \"%s\"", text));
    free(words);
    return ok;
}

/* Numbers of the exemplars in the prompt, from 1. */
static json_t *exemplars_of(const Shown *shown)
{
    json_t *list = json_array();
    for (int i = 0; i < shown->n; i++)
        json_array_append_new(list, json_integer(shown->exemplar[i] + 1));
    return list;
}

/* One candidate's labels of the alignment set, with its exemplars of one trial. Appends {accuracy, interval, ...}. */
static bool measure(Work *work, const char *stage, const LabelOptions *o, const JudgePrompt *prompt, json_t *trials,
                    Err *err)
{
    Shown shown;
    if (!judge_exemplars(&shown, prompt, &o->judge, err) || !label_ask_rows(work, stage, o, NULL, false, err))
        return false;
    static const char *const keys[] = {"with_choice", "accuracy", "interval", "ties"};
    const json_t *alignment = json_object_get(work->summary, "alignment");
    json_t *trial = json_pack("{s:i, s:o}", "exemplar_seed", o->judge.exemplar_seed, "exemplars", exemplars_of(&shown));
    for (int i = 0; i < COUNT(keys); i++)
        json_object_set(trial, keys[i], json_object_get(alignment, keys[i]));
    json_array_append_new(trials, trial);
    if (json_number_of(alignment, "with_choice", 0) > 0)
        return true;
    err_set(err, ERR_INPUT, "%s: no row says what people chose", o->pairs);
    return err_hint(err, "a prompt is chosen by people's choices: give --choose-on rows with `preferred`");
}

/* Trials whose exemplars, in their order, no trial before them had. */
static int different_draws(const json_t *trials)
{
    int n = (int)json_array_size(trials), different = 0;
    for (int i = 0; i < n; i++) {
        const json_t *shown = json_object_get(json_array_get(trials, (size_t)i), "exemplars");
        bool again = false;
        for (int k = 0; k < i; k++)
            again = again || json_equal(shown, json_object_get(json_array_get(trials, (size_t)k), "exemplars"));
        different += !again;
    }
    return different;
}

/* Of their mean, which is over the same rows: the mean of either end of the trials' intervals. */
static Interval mean_interval(const json_t *trials)
{
    size_t n = json_array_size(trials);
    Interval mean = {0, 0};
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_object_get(json_array_get(trials, i), "interval");
        mean.low += json_number_value(json_array_get(one, 0)) / (double)n;
        mean.high += json_number_value(json_array_get(one, 1)) / (double)n;
    }
    return mean;
}

/* Mean and spread over the trials of a candidate. */
static json_t *summary_of(const char *text, json_t *trials)
{
    int n = (int)json_array_size(trials);
    double *accuracy = mem_alloc((size_t)n, sizeof *accuracy), least = 1, most = 0;
    for (int i = 0; i < n; i++) {
        accuracy[i] = json_number_of(json_array_get(trials, (size_t)i), "accuracy", 0);
        least = accuracy[i] < least ? accuracy[i] : least;
        most = accuracy[i] > most ? accuracy[i] : most;
    }
    Moments m = stats_moments(accuracy, n);
    free(accuracy);
    json_t *out = json_pack("{s:s, s:f, s:i}", "prompt", text, "accuracy", m.mean, "n",
                            (int)json_number_of(json_array_get(trials, 0), "with_choice", 0));
    json_object_set_new(out, "interval", eval_interval(mean_interval(trials)));
    if (n > 1) {
        json_object_set_new(out, "different", json_integer(different_draws(trials)));
        eval_set(out, "sd", m.sd);
        eval_set(out, "least", least);
        eval_set(out, "most", most);
    }
    json_object_set(out, "trials", trials);
    return out;
}

/* How often a candidate is tried: without exemplars there is nothing to draw. */
static int count_trials(const LabelOptions *o, const JudgeOptions *how, const JudgePrompt *prompt)
{
    int shots = how->shots >= 0 ? how->shots : prompt->shots;
    return shots > 0 ? o->trials : 1;
}

static void say_candidate(const char *stage, const json_t *candidate, int draws)
{
    Str line = {0};
    str_addf(&line, "%s: %s agrees with people in %s of %.0f", stage, json_text_of(candidate, "prompt"),
             eval_percent(candidate, "accuracy").text, json_number_of(candidate, "n", 0));
    if (draws > 1)
        str_addf(&line, ", the mean over %d draws of exemplars, %.0f different: sd %s, least %s, most %s", draws,
                 json_number_of(candidate, "different", 0), eval_percent(candidate, "sd").text,
                 eval_percent(candidate, "least").text, eval_percent(candidate, "most").text);
    log_note("%s", str_text(&line));
    str_release(&line);
}

static bool try_candidate(Work *work, const char *name, const LabelOptions *o, int number, json_t **out, Err *err)
{
    LabelOptions one = *o;
    const char *text = o->prompt.item[number];
    char *name_of_prompt;
    JudgePrompt *prompt = NULL;
    json_t *trials = json_array();
    bool ok = read_candidate(text, &one.judge, &name_of_prompt, err) && judge_prompt_load(&prompt, name_of_prompt, err);
    one.pairs = o->choose_on;
    one.prompt = (OptionList){&name_of_prompt, 1};
    one.limit = 0;
    one.settle.noise = 0; /* it is the judge that is chosen */
    int draws = ok ? count_trials(o, &one.judge, prompt) : 0;
    for (int t = 0; ok && t < draws; t++) {
        char *stage = mem_printf(draws > 1 ? "%s.choice-%d-%d" : "%s.choice-%d", name, number + 1, t + 1);
        if (draws > 1)
            one.judge.exemplar_seed = o->common.seed + t;
        ok = measure(work, stage, &one, prompt, trials, err);
        free(stage);
    }
    *out = ok ? summary_of(text, trials) : NULL;
    if (ok)
        say_candidate(name, *out, draws);
    json_decref(trials);
    judge_prompt_free(prompt);
    free(name_of_prompt);
    return ok;
}

/* Are the pairs the rows that the prompt is chosen by? Then what it has in common with people there is the best of several. */
static bool find_same_rows(Work *work, const LabelOptions *o, bool *same, Err *err)
{
    char pairs[HASH_TEXT], alignment[HASH_TEXT];
    bool ok = stage_hash_rows(work, o->pairs, NEED_PAIR, o->skip_bad, pairs, err) &&
              stage_hash_rows(work, o->choose_on, NEED_PAIR, o->skip_bad, alignment, err);
    *same = ok && strcmp(pairs, alignment) == 0;
    return ok;
}

bool label_choose(Work *work, const char *name, const LabelOptions *o, LabelOptions *chosen, char **prompt,
                  json_t **choice, Err *err)
{
    json_t *candidates = json_array();
    int best = 0;
    bool same, ok = find_same_rows(work, o, &same, err);
    *prompt = NULL;
    for (int i = 0; ok && i < o->prompt.n; i++) {
        json_t *one;
        ok = try_candidate(work, name, o, i, &one, err);
        if (!ok)
            break;
        json_array_append_new(candidates, one);
        double most = json_number_of(json_array_get(candidates, (size_t)best), "accuracy", 0);
        best = json_number_of(one, "accuracy", 0) > most ? i : best;
    }
    *chosen = *o;
    ok = ok && read_candidate(o->prompt.item[best], &chosen->judge, prompt, err);
    if (ok) {
        if (o->trials > 1)
            chosen->judge.exemplar_seed = o->common.seed;
        *choice = json_pack("{s:s, s:b, s:i, s:O}", "chosen", o->prompt.item[best], "same_rows", same, "comparisons",
                            o->prompt.n, "candidates", candidates);
        char of[100] = "";
        if (o->prompt.n > 1)
            snprintf(of, sizeof of, ", the best of %d%s: its agreement with people there flatters it", o->prompt.n,
                     same ? ", chosen by the very rows that it labels" : "");
        log_note("%s: the prompt is %s%s", name, o->prompt.item[best], of);
    }
    json_decref(candidates);
    return ok;
}
