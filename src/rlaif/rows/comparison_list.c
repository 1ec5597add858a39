/* Public forms of comparisons: a list of replies with scores or ranks. */
#include "rlaif/rows/comparison_list.h"

#include "base/mem.h"

static const char *const lists[] = {"completions", "answers",    "generations", "responses",
                                    "outputs",     "candidates", "replies"};
static const char *const texts[] = {"response", "answer", "text", "completion", "output", "content", "generation"};
static const char *const models[] = {"model", "model_name", "generator"};
static const char *const model_lists[] = {"models", "generation_models", "generation_model"};

/* Fields of a reply, and lists beside replies, that say what it is worth; of ranks 1 is the best. */
typedef struct Measure {
    const char *name;
    bool rank;
} Measure;
static const Measure of_reply[] = {{"overall_score", false},      {"score", false},       {"rating", false},
                                   {"pm_score", false},           {"helpfulness", false}, {"reward", false},
                                   {"fine-grained_score", false}, {"rank", true}};
static const Measure of_list[] = {{"scores", false}, {"ratings", false}, {"rating", false}, {"rewards", false},
                                  {"ranks", true},   {"ranking", true},  {"rank", true}};

void comparison_use(json_t *used, const char *name)
{
    if (used)
        json_object_set_new(used, name, json_true());
}

static const char *first_text(const json_t *object, const char *const *names, int n, const char **which)
{
    const char *text = NULL;
    for (int i = 0; i < n && !text; i++)
        text = json_text_of(object, *which = names[i]);
    return text;
}

/* A number, or a text that is one; null where there is none. */
static bool read_worth(const json_t *v, Measure m, json_t **out, Err *err)
{
    double x = json_number_value(v);
    const char *text = json_string_value(v);
    char *end = (char *)(uintptr_t)text;
    if (text)
        x = strtod(text, &end);
    if (!v || json_is_null(v) || (text && !text[0]))
        return *out = json_null(), true;
    if ((!json_is_number(v) && (!text || *end || end == text)) || !isfinite(x))
        return err_set(err, ERR_INPUT, "\"%s\" holds something that is no number", m.name),
               err_hint(err, "a score is a number, or null where there is none");
    *out = json_real(m.rank ? -x : x);
    return true;
}

bool comparison_numbers(json_t *list, const char *name, Err *err)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *number;
        if (!read_worth(json_array_get(list, i), (Measure){name, false}, &number, err))
            return false;
        json_array_set_new(list, i, number);
    }
    return true;
}

/* The measure that some of the replies have; NULL: none. */
static const Measure *find_measure(const json_t *list)
{
    for (int m = 0; m < COUNT(of_reply); m++)
        for (size_t i = 0; i < json_array_size(list); i++)
            if (json_field(json_array_get(list, i), of_reply[m].name))
                return &of_reply[m];
    return NULL;
}

static bool add_object(const json_t *reply, const Measure *m, Comparison *c, Err *err)
{
    const char *by_text, *by_model, *text = first_text(reply, texts, COUNT(texts), &by_text),
                                    *model = first_text(reply, models, COUNT(models), &by_model);
    json_t *worth, *rest;
    if (!text)
        return err_set(err, ERR_INPUT, "a reply in the list has no text"),
               err_hint(err, "its text is called response, answer, text, completion or output");
    if (!read_worth(json_object_get(reply, m->name), *m, &worth, err))
        return false;
    rest = json_copy((json_t *)(uintptr_t)reply);
    json_object_del(rest, by_text);
    json_object_del(rest, m->name);
    if (model)
        json_object_del(rest, by_model);
    json_array_append_new(c->replies, json_string(text));
    json_array_append_new(c->worth, worth);
    json_array_append_new(c->models, model ? json_string(model) : json_null());
    json_array_append_new(c->rest, rest);
    return true;
}

/* Replies that nobody compared. Answers may be what a question has as its solutions, and responses are ours. */
static bool is_unscored(const char *name, const json_t *list)
{
    return json_array_size(list) > 1 && strcmp(name, "answers") != 0 && strcmp(name, "responses") != 0;
}

/* Has the row a list of such numbers? Rewards beside a choice or a label are what a model made of it, as eval accuracy writes
 * them, and decide nothing. */
static bool is_measured(const json_t *row, const Measure *m, const json_t **numbers)
{
    bool judged = strcmp(m->name, "rewards") == 0 && (json_field(row, "preferred") || json_field(row, "label"));
    return json_is_array(*numbers = json_field(row, m->name)) && !judged;
}

/* Texts with a list of scores beside them, if there is one. */
static bool read_texts(const json_t *row, const char *name, const json_t *list, Comparison *c, Err *err)
{
    const json_t *numbers = NULL;
    size_t n = json_array_size(list);
    int m = 0;
    while (m < COUNT(of_list) && !is_measured(row, &of_list[m], &numbers))
        m++;
    if (strcmp(name, "completions") == 0 && json_is_boolean(json_array_get(json_field(row, "labels"), 0)))
        return err_set(err, ERR_INPUT, "\"labels\" speaks of each of \"%s\": they are steps of one completion", name),
               err_hint(err, "steps are not read: write what was completed as prompt and completion");
    if (m == COUNT(of_list) && is_unscored(name, list)) {
        c->replies = json_copy((json_t *)(uintptr_t)list);
        return true;
    }
    if (m == COUNT(of_list) || (json_field(row, "rater") && json_field(row, "models"))) /* a person's ranking is ours */
        return true;
    if (json_array_size(numbers) != n)
        return err_set(err, ERR_INPUT, "\"%s\" has %zu entries for %zu responses", of_list[m].name,
                       json_array_size(numbers), n),
               err_hint(err, "give one for each response");
    c->replies = json_array();
    c->worth = json_array();
    c->ranked = of_list[m].rank;
    comparison_use(c->used, of_list[m].name);
    for (size_t i = 0; i < n; i++) {
        json_t *worth;
        if (!read_worth(json_array_get(numbers, i), of_list[m], &worth, err))
            return false;
        json_array_append_new(c->worth, worth);
        json_array_append(c->replies, json_array_get(list, i));
    }
    for (int i = 0; i < COUNT(model_lists); i++) {
        json_t *named = json_field(row, model_lists[i]);
        if (!c->models && json_array_size(named) == n) {
            c->models = json_incref(named);
            comparison_use(c->used, model_lists[i]);
        }
    }
    return true;
}

static bool read_objects(const json_t *row, const char *name, const json_t *list, Comparison *c, Err *err)
{
    const Measure *m = find_measure(list);
    size_t i;
    json_t *reply;
    if (!m)
        return strcmp(name, "answers") == 0 ||
               err_set(err, ERR_INPUT, "nothing says which of \"%s\" is better", name) ||
               err_hint(err, "each needs a score, rating or rank; texts that nobody compared are called responses");
    c->replies = json_array();
    c->worth = json_array();
    c->ranked = m->rank;
    c->models = json_array();
    c->rest = json_array();
    json_array_foreach((json_t *)(uintptr_t)list, i, reply) if (!add_object(reply, m, c, err)) return false;
    if (json_array_size(json_field(row, "models")) == i)
        comparison_use(c->used, "models"); /* each reply names its own */
    return true;
}

bool comparison_list(const json_t *row, Comparison *c, Err *err)
{
    bool ours = json_is_string(json_array_get(json_field(row, "responses"), 0)); /* others beside them are not */
    for (int k = 0; k < COUNT(lists) && !c->replies; k++) {
        const json_t *list = json_field(row, lists[k]), *first = json_array_get(list, 0);
        if ((!json_is_string(first) && !json_is_object(first)) || (ours && strcmp(lists[k], "responses") != 0))
            continue;
        if (!(json_is_string(first) ? read_texts : read_objects)(row, lists[k], list, c, err))
            return false;
        if (!c->replies)
            continue;
        json_array_append_new(c->name, json_string(lists[k]));
        comparison_use(c->used, lists[k]);
        if (json_array_size(c->replies) < 2)
            return err_set(err, ERR_INPUT, "\"%s\" has 1 entry, a comparison has 2 or more", lists[k]),
                   err_hint(err, "leave such rows out");
    }
    return true;
}

void comparison_drop_measures(json_t *row)
{
    for (int m = 0; m < COUNT(of_list); m++)
        json_object_del(row, of_list[m].name);
}
