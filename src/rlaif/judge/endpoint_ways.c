/* How an endpoint wants to be asked: by completions or by chat, for how many log-probabilities, without which parameters.
 * Servers say so by refusing, each in words of its own; what is found out is kept in the store. */
#include "rlaif/judge/endpoint_ways.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "rlaif/judge/endpoint_reply.h"

#include <ctype.h>

enum { FEWER = 5 }; /* log-probabilities that every completions server gives */

char *endpoint_hash(const char *what, const char *text)
{
    char digits[HASH_TEXT];
    Hash *h = hash_new();
    hash_add_text(h, what);
    hash_add_text(h, text);
    hash_end(h, digits);
    return mem_str(digits);
}

bool ways_load(Ways *w, Store *store, const json_t *about, const int *top, Err *err)
{
    char *text = json_text(about), *said;
    *w = (Ways){.store = store, .about = about, .top = top, .key = endpoint_hash("ways", text)};
    free(text);
    if (!store_answer_find(w->store, w->key, &said, err))
        return false;
    bool ok = !said || json_parse(said, strlen(said), "a stored endpoint", &w->found, err);
    free(said);
    if (ok && !w->found)
        w->found = json_object();
    return ok;
}

void ways_release(Ways *w)
{
    json_decref(w->found);
    free(w->key);
}

/* --- what is known -------------------------------------------------------------------------------------- */

/* The name of what is wanted in `ways`. */
static const char *want_name(const Demand *d, EndpointKind kind)
{
    return d->given                ? "given"
           : d->next               ? endpoint_kind_name(kind)
           : kind == ENDPOINT_CHAT ? "chat text"
                                   : "completions text";
}

bool way_chats(const Ways *w, EndpointKind kind)
{
    const char *found = json_text_of(w->found, "kind");
    return kind == ENDPOINT_CHAT || (kind == ENDPOINT_AUTO && found && strcmp(found, "chat") == 0);
}

EndpointKind way_kind(const Ways *w, const Demand *d)
{
    return way_chats(w, d->kind) ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS;
}

int way_top(const Ways *w, EndpointKind kind)
{
    return (int)json_number_of(w->found, endpoint_kind_name(kind), *w->top);
}

bool way_is_known(const Ways *w, const Demand *d)
{
    return json_object_get(w->found, want_name(d, way_kind(w, d))) &&
           (d->kind != ENDPOINT_AUTO || json_object_get(w->found, "kind"));
}

bool way_found(Ways *w, const Demand *d, Err *err)
{
    EndpointKind kind = way_kind(w, d);
    if (d->kind == ENDPOINT_AUTO)
        json_object_set_new(w->found, "kind", json_string(endpoint_kind_name(kind)));
    json_object_set_new(w->found, want_name(d, kind), d->next ? json_integer(way_top(w, kind)) : json_true());
    char *text = json_text(w->found);
    bool ok = store_answer_put(w->store, w->key, text, err);
    free(text);
    return ok;
}

/* --- another way ---------------------------------------------------------------------------------------- */

/* The largest whole number below `most` that stands in a text by itself, not within a name, a decimal or a date; 0: none. */
static int number_below(const char *text, int most)
{
    int best = 0;
    for (const char *c = text; *c; c++) {
        if (!isdigit((unsigned char)*c))
            continue;
        char before = c > text ? c[-1] : ' ', earlier = before != ' ' && c - 1 > text ? c[-2] : ' ';
        size_t n = strspn(c, "0123456789");
        bool within = isalpha((unsigned char)before) || before == '_' ||
                      (before == '.' && isdigit((unsigned char)earlier)) ||
                      (before == '-' && isalnum((unsigned char)earlier)) || isalpha((unsigned char)c[n]) ||
                      c[n] == '_' || (c[n] == '.' && isdigit((unsigned char)c[n + 1]));
        int number = within || n > 6 ? 0 : (int)strtol(c, NULL, 10);
        best = number < most && number > best ? number : best;
        c += n - 1;
    }
    return best;
}

static bool has_word(const char *text, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}

/* Is it that so many log-probabilities are too many? It may name them in any way, or a limit alone. */
static bool is_limit(const char *text, int top)
{
    static const char *const names[] = {"logprob", "log_prob", "log prob", "log-prob", "top_n", "n_probs"},
                             *const limits[] = {"less than", "at most", "max",     "<=",    "\\u003c",
                                                "exceed",    "between", "greater", "limit", "up to",
                                                "larger",    "range",   "[0"};
    return has_word(text, names, COUNT(names)) ||
           (has_word(text, limits, COUNT(limits)) && number_below(text, top) > 0);
}

static bool fewer(Ways *w, EndpointKind kind, const char *text)
{
    int top = way_top(w, kind), less = number_below(text, top);
    if (top == 1 || !is_limit(text, top))
        return false;
    if (less == 0 && top != *w->top && number_below(text, top + 1) == top)
        less = top - 1; /* it was named as the least that is too many */
    less = less > 0 ? less : top > FEWER ? FEWER : 1;
    log_note("%s gives no %d log-probabilities: it is asked for %d", json_text_of(w->about, "url"), top, less);
    json_object_set_new(w->found, endpoint_kind_name(kind), json_integer(less));
    return true;
}

/* Parameters that change nothing, or have another name there. */
static bool without_parameter(Ways *w, const Demand *d, EndpointKind kind, const char *text)
{
    const struct {
        const char *name;
        bool may_go;
    } parameter[] = {
        {"max_tokens", kind == ENDPOINT_CHAT || strstr(text, "max_completion_tokens")}, /* the newer name */
        {"temperature", d->next || d->given},                                           /* 1 is what it is by itself */
        {"stop", !d->next}, /* what goes on behind it is cut off here */
        {"seed", !d->next}};
    json_t *without = json_object_get(w->found, "without");
    for (int i = 0; i < COUNT(parameter); i++) {
        bool gone = false;
        for (size_t k = 0; k < json_array_size(without); k++)
            gone = gone || strcmp(json_string_value(json_array_get(without, k)), parameter[i].name) == 0;
        if (!parameter[i].may_go || gone || !strstr(text, parameter[i].name))
            continue;
        log_note("%s does not take the parameter %s: it is asked without it", json_text_of(w->about, "url"),
                 parameter[i].name);
        if (!without)
            json_object_set_new(w->found, "without", without = json_array());
        json_array_append_new(without, json_string(parameter[i].name));
        return true;
    }
    return false;
}

bool way_change(Ways *w, const Demand *d, int status, const char *body)
{
    EndpointKind kind = way_kind(w, d);
    bool unknown = status == 404 || status == 405 || status == 501;
    if (unknown && d->kind == ENDPOINT_AUTO && kind == ENDPOINT_COMPLETIONS) {
        log_note("%s offers no completions: it is asked by chat", json_text_of(w->about, "url"));
        json_object_set_new(w->found, "kind", json_string("chat"));
        return true;
    }
    if (unknown || status / 100 != 4 || status == 401 || status == 402 || http_status_passes(status))
        return false;
    bool named = strstr(body, "max_completion_tokens") != NULL;
    return (named && without_parameter(w, d, kind, body)) || (d->next && fewer(w, kind, body)) ||
           without_parameter(w, d, kind, body);
}
