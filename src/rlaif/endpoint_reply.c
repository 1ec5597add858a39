/* Requests to an endpoint and what its replies say. */
#include "base/mem.h"
#include "net/http.h"
#include "rlaif/endpoint.h"

/* --- requests ------------------------------------------------------------------------------------------- */

static json_t *messages_of(const Demand *d)
{
    json_t *list = json_array();
    if (d->system[0])
        json_array_append_new(list, json_pack("{s:s, s:s}", "role", "system", "content", d->system));
    json_array_append_new(list, json_pack("{s:s, s:o}", "role", "user", "content", json_take_text(mem_str(d->text))));
    return list;
}

char *endpoint_body(const Demand *d, const char *model, EndpointKind kind, int top)
{
    bool chat = kind == ENDPOINT_CHAT;
    json_t *body = json_pack("{s:s}", "model", model);
    json_object_set_new(body, chat ? "messages" : "prompt", chat ? messages_of(d) : json_take_text(mem_str(d->text)));
    json_object_set_new(body, "max_tokens", json_integer(d->next ? 1 : d->max_tokens));
    /* Some servers give log-probabilities at the temperature of the draw. */
    json_object_set_new(body, "temperature", json_real(d->next ? 1 : d->temperature));
    json_object_set_new(body, "top_p", json_real(1));
    if (d->next && chat)
        json_object_update_new(body, json_pack("{s:b, s:i}", "logprobs", true, "top_logprobs", top));
    else if (d->next)
        json_object_set_new(body, "logprobs", json_integer(top));
    if (!d->next && d->stop[0])
        json_object_set_new(body, "stop", json_pack("[s]", d->stop));
    if (!d->next && d->temperature > 0) {
        json_object_set_new(body, "seed", json_integer(d->seed));
        if (d->top_k > 0)
            json_object_set_new(body, "top_k", json_integer(d->top_k));
    }
    char *text = json_text(body);
    json_decref(body);
    return text;
}

/* --- replies -------------------------------------------------------------------------------------------- */

/* A token and its log-probability; false where that is none. One with a NUL ends there, and is no answer. */
static bool add_token(json_t *list, const char *token, bool has_nul, const json_t *logp)
{
    double x = json_number_value(logp);
    if (!token || !json_is_number(logp) || !(x < 0.01)) /* 0, and what rounding adds */
        return false;
    json_array_append_new(list, json_pack("[s, f]", has_nul ? "" : token, x < 0 ? x : 0.0));
    return true;
}

/* The newer form: {"content": [{"top_logprobs": [{"token", "logprob"}, ...]}, ...]}. */
static bool read_content(const json_t *content, json_t *list)
{
    const json_t *top = json_object_get(json_array_get(content, 0), "top_logprobs");
    bool ok = true;
    for (size_t i = 0; ok && i < json_array_size(top); i++) {
        const json_t *one = json_array_get(top, i), *token = json_object_get(one, "token");
        const char *text = json_string_value(token);
        ok = add_token(list, text, text && strlen(text) < json_string_length(token), json_object_get(one, "logprob"));
    }
    return ok;
}

/* The older one: {"top_logprobs": [{token: log-probability, ...}, ...]}. */
static bool read_objects(const json_t *objects, json_t *list)
{
    const char *token;
    json_t *logp;
    bool ok = true;
    json_object_foreach(json_array_get(objects, 0), token, logp) ok = ok && add_token(list, token, false, logp);
    return ok;
}

static int more_probable(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    double p = json_real_value(json_array_get(x, 1)), q = json_real_value(json_array_get(y, 1));
    return p > q   ? -1
           : p < q ? 1
                   : strcmp(json_string_value(json_array_get(x, 0)), json_string_value(json_array_get(y, 0)));
}

/* The most probable first, and no more than were asked for: some servers add the token that they drew. */
static json_t *sort_tokens(json_t *list, int top)
{
    size_t n = json_array_size(list);
    json_t **at = mem_alloc(n + 1, sizeof(json_t *)), *sorted = json_array();
    for (size_t i = 0; i < n; i++)
        at[i] = json_array_get(list, i);
    qsort(at, n, sizeof(json_t *), more_probable);
    for (size_t i = 0; i < n && i < (size_t)top; i++)
        json_array_append(sorted, at[i]);
    json_decref(list);
    free(at);
    return sorted;
}

static bool read_top(const json_t *choice, int top, json_t **out, bool *again, Err *err)
{
    const json_t *logprobs = json_object_get(choice, "logprobs"), *content = json_object_get(logprobs, "content"),
                 *objects = json_object_get(logprobs, "top_logprobs");
    json_t *list = json_array();
    bool ok = json_is_array(content) ? read_content(content, list) : read_objects(objects, list);
    if (ok && json_array_size(list) > 0) {
        *out = sort_tokens(list, top);
        return true;
    }
    json_decref(list);
    *again = !ok;
    if (!ok)
        return err_set(err, ERR_IO, "the reply's log-probabilities are no numbers below 0");
    err_set(err, ERR_INPUT, "the endpoint's reply has no log-probabilities of the next token");
    return err_hint(err, "judgments are probabilities, never parsed from a text: take a server and a model that return "
                         "log-probabilities (llama-cpp-python: --logits_all true), or the other --endpoint-kind");
}

static bool read_text(const json_t *choice, EndpointKind kind, json_t **out, bool *again, Err *err)
{
    const char *text = kind == ENDPOINT_CHAT ? json_text_of(json_object_get(choice, "message"), "content")
                                             : json_text_of(choice, "text");
    *again = true;
    if (!text)
        return err_set(err, ERR_IO, "the endpoint's reply has no text");
    *out = json_string(text);
    return true;
}

bool endpoint_read(const char *body, size_t n, const Demand *d, EndpointKind kind, int top, json_t **said, bool *again,
                   Err *err)
{
    json_error_t e;
    json_t *reply = json_loadb(body, n, JSON_ALLOW_NUL, &e), *part = NULL; /* a token may be a NUL */
    *said = NULL;
    *again = true;
    if (!reply) {
        char *complaint = json_complaint(&e);
        err_set(err, ERR_IO, "the endpoint's reply is no JSON: %s", complaint);
        free(complaint);
        return false;
    }
    const json_t *choice = json_array_get(json_object_get(reply, "choices"), 0),
                 *usage = json_object_get(reply, "usage");
    const char *words = http_error_words(reply);
    bool ok = json_is_object(choice);
    if (!ok)
        err_set(err, ERR_IO, "the endpoint's reply has no choices%s%s", words ? ": " : "", words ? words : "");
    ok = ok && (d->next ? read_top(choice, top, &part, again, err) : read_text(choice, kind, &part, again, err));
    if (ok) { /* where the server does not count, its bytes are the most tokens there can be */
        double bytes = (double)(strlen(d->text) + strlen(d->system)), most = d->next ? 1 : d->max_tokens;
        *said = json_pack("{s:s, s:I, s:I, s:o}", "kind", kind == ENDPOINT_CHAT ? "chat" : "completions", "read",
                          (json_int_t)json_number_of(usage, "prompt_tokens", bytes), "wrote",
                          (json_int_t)json_number_of(usage, "completion_tokens", most), d->next ? "top" : "text", part);
    }
    json_decref(reply);
    return ok;
}
