/* Public forms of comparisons: replies side by side in fields of their own. Lists of replies are in comparison_list.c. */
#include "rlaif/rows/comparison.h"

#include "base/mem.h"
#include "rlaif/rows/transcript.h"

void comparison_release(Comparison *c)
{
    json_decref(c->prompt);
    json_decref(c->replies);
    json_decref(c->name);
    json_decref(c->worth);
    json_decref(c->models);
    json_decref(c->rest);
    json_decref(c->used);
    *c = (Comparison){0};
}

/* --- what the replies answer ---------------------------------------------------------------------------- */

/* A question may be an object with its text (WebGPT), an input one with its turns (OpenAI's fine-tuning). */
static json_t *inner_prompt(json_t *value)
{
    json_t *text = json_field(value, "full_text"), *turns = json_field(value, "messages");
    return !json_is_object(value) ? value : text ? text : turns;
}

static json_t *with_input(json_t *instruction, const json_t *row, json_t *used)
{
    const char *text = json_string_value(instruction), *input = json_text_of(row, "input");
    if (!text || !input || !input[0])
        return json_incref(instruction);
    comparison_use(used, "input");
    return json_take_text(mem_printf("%s\n\n%s", text, input));
}

/* What asks as turns: a text is the user's, or a transcript. NULL: it is neither a text nor a list. */
static json_t *turns_of(const json_t *prompt)
{
    const char *text = json_string_value(prompt);
    json_t *turns = text ? transcript_prompt(text) : NULL;
    return turns                   ? turns
           : text                  ? json_pack("[{s:s, s:s}]", "role", "user", "content", text)
           : json_is_array(prompt) ? json_copy((json_t *)(uintptr_t)prompt)
                                   : NULL;
}

bool comparison_system(const json_t *row, json_t **prompt, json_t *used, Err *err)
{
    static const char *const names[] = {"system", "system_prompt"};
    const char *text = NULL, *name = NULL;
    for (int i = 0; i < COUNT(names) && !(text && text[0]); i++) {
        text = json_text_of(row, name = names[i]);
        if (json_is_array(json_field(row, name)))
            return err_set(err, ERR_INPUT, "\"%s\" is a list, and must be a text", name),
                   err_hint(err, "write it as a text, or as the first turn");
    }
    if (!text || !text[0])
        return true;
    json_t *first = json_array_get(*prompt, 0), *turns;
    const char *role = json_text_of(first, "role"), *said = json_text_of(first, role ? "content" : "value");
    role = role ? role : json_text_of(first, "from");
    comparison_use(used, name);
    if (role && said && strcmp(role, "system") == 0)
        return strcmp(said, text) == 0 ||
               err_set(err, ERR_INPUT, "\"%s\" is another than the system message of the prompt", name) ||
               err_hint(err, "leave one of the two out");
    turns = turns_of(*prompt);
    if (!turns) /* which is refused where it is read */
        return true;
    json_array_insert_new(turns, 0, json_pack("{s:s, s:s}", "role", "system", "content", text));
    json_decref(*prompt);
    *prompt = turns;
    return true;
}

bool comparison_no_history(const json_t *row, Err *err)
{
    return !json_is_array(json_array_get(json_field(row, "history"), 0)) ||
           err_set(err, ERR_INPUT, "\"history\", turns before the instruction, is not read") ||
           err_hint(err, "write the whole as turns, or leave such rows out with --skip-bad");
}

bool comparison_prompt(const json_t *row, json_t **out, json_t *used, Err *err)
{
    static const char *const names[] = {"prompt",        "instruction", "question", "query", "history",
                                        "conversations", "context",     "input",    "post"};
    *out = NULL;
    for (int i = 0; i < COUNT(names) && !*out; i++) {
        json_t *value = inner_prompt(json_field(row, names[i]));
        if (json_is_number(value) || json_is_boolean(value))
            return err_set(err, ERR_INPUT, "\"%s\" is neither a text nor a list of turns", names[i]),
                   err_hint(err, "a turn is {\"role\": \"user\", \"content\": \"...\"}");
        if (!value || json_is_object(value))
            continue;
        if (strcmp(names[i], "history") != 0 && !comparison_no_history(row, err))
            return false;
        *out = strcmp(names[i], "instruction") == 0 ? with_input(value, row, used) : json_incref(value);
        comparison_use(used, names[i]);
    }
    if (!*out || comparison_system(row, out, used, err))
        return true;
    json_decref(*out);
    *out = NULL;
    return false;
}

/* --- verdicts ------------------------------------------------------------------------------------------- */

static const char *const verdicts[] = {"winner",
                                       "preference",
                                       "preferred",
                                       "choice",
                                       "better_response_id",
                                       "better_response",
                                       "better",
                                       "overall_preference",
                                       "preference_strength",
                                       "chosen",
                                       "label"};

/* HelpSteer's go from -3, the first is much better, to 3. */
static bool is_signed(const char *name)
{
    return strcmp(name, "overall_preference") == 0 || strcmp(name, "preference_strength") == 0;
}

/* A number of a response, counted as the fields' names do; half way is a tie. Between 1 and 2 it may be AlpacaEval's, 1 and the
 * probability of the second. */
static bool by_number(double x, char first, bool of_sign, int *better)
{
    double low = first == '1' ? 1 : 0;
    if (first > '1' && x == 1 && !of_sign) /* of letters: counted from 0, or from 1? */
        return false;
    if (first != '1' && !of_sign && x != 0 && x != 0.5 && x != 1)
        return false;
    if (of_sign)
        *better = x == 0 ? A_TIE : x > 0;
    else if (x == low + 0.5 || (first == '1' && x == 0))
        *better = A_TIE;
    else
        *better = x > low + 0.5;
    return of_sign || (first && (*better == A_TIE || (x >= low && x <= low + 1)));
}

/* The name of one of two models. */
static bool by_model(const json_t *row, const char *text, int *better)
{
    const json_t *models = json_field(row, "models");
    const char *name[2] = {json_text_of(row, "model_a"), json_text_of(row, "model_b")};
    for (int i = 0; i < 2 && json_array_size(models) == 2; i++)
        name[i] = json_string_value(json_array_get(models, (size_t)i));
    if (!name[0] || !name[1] || strcmp(name[0], name[1]) == 0)
        return false;
    *better = strcmp(text, name[1]) == 0;
    return *better || strcmp(text, name[0]) == 0;
}

/* "model_a", "Response 2", "tie (bothbad)". */
static bool by_words(const json_t *row, const char *text, char first, int *better)
{
    static const char *const ties[] = {"tie", "both", "equal", "draw", "neither", "same", "none"};
    static const char *const heads[] = {"model", "response", "answer", "assistant", "output", "completion", "option"};
    if (by_model(row, text, better))
        return true;
    for (int i = 0; i < COUNT(ties); i++)
        if (strncasecmp(text, ties[i], strlen(ties[i])) == 0)
            return *better = A_TIE, true;
    for (int i = 0; i < COUNT(heads); i++)
        if (strncasecmp(text, heads[i], strlen(heads[i])) == 0) {
            text += strlen(heads[i]);
            text += strspn(text, " _-");
            break;
        }
    if (strcasecmp(text, "first") == 0 || strcasecmp(text, "second") == 0)
        return *better = tolower((unsigned char)text[0]) == 's', true;
    if (strlen(text) != 1)
        return false;
    int c = tolower((unsigned char)text[0]), low = c >= 'a' ? 'a' : first == '1' ? '1' : '0';
    *better = c - low;
    return (first || c >= 'a') && (c == low || c == low + 1);
}

static bool read_verdict(const json_t *row, const char *name, char first, int *better, Err *err)
{
    const json_t *v = json_object_get(row, name);
    const char *text = json_string_value(v);
    char *end = NULL;
    double x = text && is_signed(name) ? strtod(text, &end) : json_number_value(v);
    bool number =
        (json_is_number(v) && strcmp(name, "label") != 0) /* 1 says the first in some data, the second in other */
        || (end && end != text && *end == 0);
    if (number && (strcmp(name, "preferred") == 0 || strcmp(name, "choice") == 0))
        first = '0'; /* as our rows have them */
    if (number ? by_number(x, first, is_signed(name), better) : text && by_words(row, text, first, better))
        return true;
    char *said = json_text(v);
    err_set(err, ERR_INPUT, "\"%s\" is %.60s, which names neither of two responses nor a tie", name, said);
    free(said);
    return err_hint(err, "say which is better by preferred: 0 or 1");
}

/* Competitions on arena data say it in three columns. */
static bool one_hot(const json_t *row, int *better, json_t *used)
{
    static const char *const names[] = {"winner_tie", "winner_model_a", "winner_model_b"};
    bool any = false;
    for (int i = 0; i < COUNT(names); i++) {
        const json_t *v = json_field(row, names[i]);
        if (v)
            comparison_use(used, names[i]);
        if (json_is_true(v) || json_number_value(v) == 1) {
            *better = i - 1;
            any = true;
        }
    }
    return any;
}

/* Beside the worse reply it is the better one itself. */
static bool is_a_reply(const json_t *row, const char *name)
{
    return (strcmp(name, "chosen") == 0 && json_field(row, "rejected")) ||
           (strcmp(name, "better_response") == 0 && json_field(row, "worse_response"));
}

bool comparison_verdict(const json_t *row, char first, int *better, json_t *used, Err *err)
{
    const char *by = "winner_model_a";
    *better = NO_VERDICT;
    one_hot(row, better, used);
    for (int i = 0; i < COUNT(verdicts); i++) {
        const json_t *v = json_field(row, verdicts[i]);
        int said = NO_VERDICT;
        if (!v || json_is_object(v)) /* a judge's label is an object */
            continue;
        if (is_a_reply(row, verdicts[i]))
            continue;
        if (!read_verdict(row, verdicts[i], first, &said, err)) {
            if (first || strcmp(verdicts[i], "winner") == 0)
                return false;
            err_clear(err); /* it may be about something else */
            continue;
        }
        comparison_use(used, verdicts[i]);
        if (*better != NO_VERDICT && *better != said)
            return err_set(err, ERR_INPUT, "\"%s\" and \"%s\" contradict each other", by, verdicts[i]),
                   err_hint(err, "leave out the one that does not hold");
        *better = said;
        by = verdicts[i];
    }
    return true;
}

/* --- replies in fields of their own --------------------------------------------------------------------- */

/* Fields of which the first is the better reply. */
static const char *const better_worse[][2] = {
    {"chosen_response", "rejected_response"},        {"chosen_answer", "rejected_answer"},
    {"preferred_output", "non_preferred_output"},    {"better_response", "worse_response"},
    {"preferred_response", "dispreferred_response"}, {"response_j", "response_k"},
};

static bool is_reply(const json_t *v)
{
    return json_is_string(v) || json_is_array(v);
}

static bool names_replies(const char *name)
{
    static const char *const words[] = {"response",  "answer",       "output",      "completion",
                                        "reply",     "generation",   "candidate",   "summary",
                                        "human_ref", "conversation", "continuation"};
    for (int i = 0; i < COUNT(words); i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}

/* May the character at `at` of a name count replies? */
static bool counts(const char *name, size_t at)
{
    char c = name[at], before = at ? name[at - 1] : '_', after = name[at + 1];
    if (c == '0' || c == '1')
        return !isdigit((unsigned char)before) && !isdigit((unsigned char)after);
    return (c == 'a' && !isalpha((unsigned char)before) && !isalpha((unsigned char)after)) ||
           (c == 'A' && !isupper((unsigned char)before) && !isalpha((unsigned char)after));
}

static const json_t *sibling(const json_t *row, const char *name, size_t at, int step)
{
    char *other = mem_str(name);
    other[at] = (char)(other[at] + step);
    const json_t *v = json_field(row, other);
    free(other);
    return v;
}

/* The name of the first of several replies, and the place in it that counts them; NULL: there are none. */
static const char *find_siblings(const json_t *row, size_t *at)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)row, name, value)
    {
        if (!is_reply(value) || !names_replies(name))
            continue;
        for (size_t i = 0; name[i]; i++)
            if (counts(name, i) && is_reply(sibling(row, name, i, 1)) &&
                !(name[i] == '1' && is_reply(sibling(row, name, i, -1)))) {
                *at = i;
                return name;
            }
    }
    return NULL;
}

/* Fields as score_1 and score_2 beside output_1 and output_2: a list of their values, or NULL. `take`: they are used up by it. */
static json_t *beside(const json_t *row, const char *const *stems, const char *name, size_t at, bool take,
                      Comparison *c)
{
    const char *end = name + at - (at > 0 && name[at - 1] == '_');
    size_t n = json_array_size(c->replies);
    for (; *stems; stems++) {
        json_t *list = json_array();
        for (size_t i = 0; i < n; i++) {
            char *field = mem_printf("%s%s", *stems, end);
            field[strlen(field) - strlen(name + at)] += (char)i;
            json_t *v =
                json_object_get(c->used, field) ? NULL : json_field(row, field); /* a reply is no model's name */
            if (v)
                json_array_append(list, v);
            if (v && take)
                comparison_use(c->used, field);
            free(field);
        }
        if (json_array_size(list) == n)
            return list;
        json_decref(list);
    }
    return NULL;
}

/* Two verdicts of one pair, by words and by scores, must not contradict each other. */
static bool agree(int better, const json_t *scores, Err *err)
{
    double of[2] = {json_number_value(json_array_get(scores, 0)), json_number_value(json_array_get(scores, 1))};
    return better < 0 || of[better] >= of[1 - better] ||
           err_set(err, ERR_INPUT, "the better of two responses has the lower score") ||
           err_hint(err, "leave out the verdict or the scores, whichever does not hold");
}

static bool settle(Comparison *c, int better, json_t *scores, Err *err)
{
    if (better == NO_VERDICT) {
        c->worth = json_incref(scores);
        return true;
    }
    if (!agree(better, scores, err))
        return false;
    c->worth = json_pack("[i, i]", better == 0, better == 1);
    return true;
}

static bool read_siblings(const json_t *row, const char *name, size_t at, Comparison *c, Err *err)
{
    static const char *const score[] = {"score", "rating", "reward", NULL}, *const model[] = {"model", "generator",
                                                                                              NULL};
    c->replies = json_array();
    for (int k = 0; is_reply(sibling(row, name, at, k)); k++) {
        char *field = mem_str(name);
        field[at] = (char)(field[at] + k);
        json_array_append(c->replies, json_field(row, field));
        json_array_append_new(c->name, json_string(field));
        comparison_use(c->used, field);
        free(field);
    }
    size_t n = json_array_size(c->replies);
    int better;
    json_t *scores = beside(row, score, name, at, false, c);
    c->models = beside(row, model, name, at, true, c);
    bool ok = comparison_numbers(scores, "score", err) && comparison_verdict(row, name[at], &better, c->used, err);
    if (ok && n > 2 && better != NO_VERDICT)
        ok = err_set(err, ERR_INPUT, "there are %zu responses, and a verdict on two", n) ||
             err_hint(err, "write rows of two: prompt, responses: [a, b] and preferred: 0 or 1");
    const json_t *labels = json_field(row, "labels");
    if (ok && labels && str_starts(name, "human_ref")) { /* SHP: 1 says that the first was preferred */
        ok = (json_is_integer(labels) && json_integer_value(labels) >= 0 && json_integer_value(labels) <= 1) ||
             err_set(err, ERR_INPUT, "\"labels\" is neither 0 nor 1") || err_hint(err, "1: the first was preferred");
        better = 1 - (int)json_integer_value(labels);
        comparison_use(c->used, "labels");
    }
    ok = ok && settle(c, better, scores, err);
    json_decref(scores);
    return ok;
}

/* A text that is a list of texts in JSON; NULL: it is none. */
static json_t *list_in_text(const json_t *text)
{
    json_error_t unused;
    json_t *list = json_is_string(text) ? json_loads(json_string_value(text), 0, &unused) : NULL;
    if (json_is_string(json_array_get(list, 0)))
        return list;
    json_decref(list);
    return NULL;
}

/* Arena data for competitions has what was said as lists in texts: in the prompt the user's turns, in a reply the assistant's. */
static bool decode_turns(const json_t *row, Comparison *c, Err *err)
{
    json_t *asked = json_field(row, "winner_model_a") ? list_in_text(json_field(row, "prompt")) : NULL;
    bool ok = true;
    for (size_t i = 0; ok && asked && i < json_array_size(c->replies); i++) {
        json_t *said = list_in_text(json_array_get(c->replies, i)), *turns = json_array();
        ok = json_array_size(said) == json_array_size(asked);
        for (size_t k = 0; ok && k < json_array_size(asked); k++) {
            json_array_append_new(turns, json_pack("{s:s, s:O}", "role", "user", "content", json_array_get(asked, k)));
            json_array_append_new(turns,
                                  json_pack("{s:s, s:O}", "role", "assistant", "content", json_array_get(said, k)));
        }
        json_decref(said);
        json_array_set_new(c->replies, i, turns);
    }
    if (asked)
        comparison_use(c->used, "prompt");
    json_decref(asked);
    return ok || err_set(err, ERR_INPUT, "the lists in \"prompt\" and the replies do not fit together") ||
           err_hint(err, "each reply needs one text for each of the prompt");
}

static bool read_better_worse(const json_t *row, const char *const name[2], Comparison *c)
{
    for (int i = 0; i < 2; i++) {
        json_array_append_new(c->name, json_string(name[i]));
        comparison_use(c->used, name[i]);
    }
    c->replies = json_pack("[O, O]", json_field(row, name[0]), json_field(row, name[1]));
    c->worth = json_pack("[i, i]", 1, 0);
    return true;
}

/* Has the row responses under our names, or those of the forms that rows come in? Other texts beside them are not compared. */
static bool is_ours(const json_t *row)
{
    return json_field(row, "response") || (json_field(row, "chosen") && json_field(row, "rejected")) ||
           (json_field(row, "info") && json_field(row, "summaries"));
}

/* A list of two may have a verdict beside its scores. Where one has none, nothing is compared. */
static bool list_agrees(const json_t *row, const Comparison *c, Err *err)
{
    int better;
    if (json_array_size(c->replies) != 2 || !json_is_number(json_array_get(c->worth, 0)) ||
        !json_is_number(json_array_get(c->worth, 1)))
        return true;
    return comparison_verdict(row, 0, &better, c->used, err) && agree(better, c->worth, err);
}

static bool read_any(const json_t *row, Comparison *c, Err *err)
{
    size_t at;
    const char *name;
    if (is_ours(row))
        return true;
    for (int i = 0; i < COUNT(better_worse); i++)
        if (is_reply(json_field(row, better_worse[i][0])) && is_reply(json_field(row, better_worse[i][1])))
            return read_better_worse(row, better_worse[i], c);
    if (!comparison_list(row, c, err) || !list_agrees(row, c, err))
        return false;
    if (c->replies || json_is_string(json_array_get(json_field(row, "responses"), 0)) ||
        !(name = find_siblings(row, &at)))
        return true;
    return read_siblings(row, name, at, c, err) && decode_turns(row, c, err);
}

bool comparison_read(const json_t *row, Comparison *out, Err *err)
{
    *out = (Comparison){.used = json_object(), .name = json_array()};
    bool ok = read_any(row, out, err);
    if (ok && out->replies && !json_object_get(out->used, "prompt"))
        ok = comparison_prompt(row, &out->prompt, out->used, err);
    if (!ok || !out->replies)
        comparison_release(out);
    return ok;
}

/* --- what is none, and looks like one ------------------------------------------------------------------- */

/* Words of which the first stands in the name of one reply, the other in that of the other one. */
static const struct {
    const char *one, *other;
    bool sides; /* they say which is which, not which is better: then the name must be one of replies */
} opposites[] = {{"chosen", "rejected", false},
                 {"accepted", "rejected", false},
                 {"preferred", "rejected", false},
                 {"selected", "rejected", false},
                 {"preferred", "unpreferred", false},
                 {"better", "worse", false},
                 {"best", "worst", false},
                 {"winning", "losing", false},
                 {"winner", "loser", false},
                 {"win", "lose", false},
                 {"good", "bad", false},
                 {"positive", "negative", false},
                 {"pos", "neg", false},
                 {"_w", "_l", false},
                 {"first", "second", true},
                 {"One", "Two", true},
                 {"left", "right", true}};

static bool is_text(const json_t *row, const char *name)
{
    return json_text_of(row, name) != NULL;
}

/* Has the row, beside the text `name`, another whose name is its opposite? */
static bool has_opposite(const json_t *row, const char *name)
{
    bool has = false;
    for (int i = 0; i < COUNT(opposites) && !has; i++) {
        const char *at = strstr(name, opposites[i].one);
        if (!at || (opposites[i].sides && !names_replies(name)))
            continue;
        char *other = mem_printf("%.*s%s%s", (int)(at - name), name, opposites[i].other, at + strlen(opposites[i].one));
        has = is_text(row, other);
        free(other);
    }
    return has;
}

bool comparison_absent(const json_t *row, Err *err)
{
    static const char *const signs[] = {"winner",   "preference",         "preferred",           "better_response_id",
                                        "rejected", "overall_preference", "preference_strength", "chosen"};
    for (int i = 0; i < COUNT(signs); i++)
        if (json_field(row, signs[i])) {
            err_set(err, ERR_INPUT, "\"%s\" speaks of two responses, which the row has not under a name that is known",
                    signs[i]);
            return err_hint(err,
                            "call them responses: [a, b], with preferred: 0 or 1, or chosen and rejected; or leave "
                            "the field out");
        }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)row, name, value) if (is_text(row, name) && has_opposite(row, name))
    {
        err_set(err, ERR_INPUT, "\"%s\" and its opposite look like two responses, under names that are not known",
                name);
        return err_hint(err, "call them chosen and rejected, or responses: [a, b]; or leave them out");
    }
    return true;
}
