/* Requests to an endpoint and what its replies say. */
#include "rlaif/judge/endpoint_reply.h"

#include "base/mem.h"
#include "net/words.h"
#include "rlaif/rows/context.h"

/* --- requests ------------------------------------------------------------------------------------------- */

const char *endpoint_kind_name(EndpointKind kind)
{
    return kind == ENDPOINT_CHAT ? "chat" : "completions";
}

static json_t *messages_of(const Demand *d)
{
    json_t *list = json_array();
    if (d->system[0])
        json_array_append_new(list, json_pack("{s:s, s:s}", "role", "system", "content", d->system));
    json_array_append_new(list, json_pack("{s:s, s:o}", "role", "user", "content", json_take_text(mem_str(d->text))));
    return list;
}

static json_t *request_of(const Demand *d, const char *model, EndpointKind kind, int top)
{
    bool chat = kind == ENDPOINT_CHAT, written = !d->next && !d->given;
    json_t *body = json_pack("{s:s}", "model", model);
    json_object_set_new(body, chat ? "messages" : "prompt", chat ? messages_of(d) : json_take_text(mem_str(d->text)));
    json_object_set_new(body, "max_tokens", json_integer(written ? d->max_tokens : 1));
    /* Some servers give log-probabilities at the temperature of the draw. */
    json_object_set_new(body, "temperature", json_real(written ? d->temperature : 1));
    json_object_set_new(body, "top_p", json_real(1));
    if (d->next && chat)
        json_object_update_new(body, json_pack("{s:b, s:i}", "logprobs", true, "top_logprobs", top));
    else if (d->next)
        json_object_set_new(body, "logprobs", json_integer(top));
    if (d->given) /* of each token of the prompt, which comes back */
        json_object_update_new(body, json_pack("{s:b, s:i}", "echo", true, "logprobs", 1));
    if (written && d->stop[0])
        json_object_set_new(body, "stop", json_pack("[s]", d->stop));
    if (written && d->temperature > 0) {
        json_object_set_new(body, "seed", json_integer(d->seed));
        if (d->top_k > 0)
            json_object_set_new(body, "top_k", json_integer(d->top_k));
    }
    return body;
}

static char *take_json(json_t *body)
{
    char *text = json_text(body);
    json_decref(body);
    return text;
}

char *endpoint_request(const Demand *d, const char *model, EndpointKind kind, int top)
{
    return take_json(request_of(d, model, kind, top));
}

char *endpoint_body(const Demand *d, const char *model, EndpointKind kind, int top, const json_t *without)
{
    json_t *body = request_of(d, model, kind, top);
    json_object_del(body, "top_p"); /* it changes nothing, and some servers take none of 1 */
    for (size_t i = 0; i < json_array_size(without); i++) {
        const char *name = json_string_value(json_array_get(without, i));
        if (strcmp(name, "max_tokens") == 0)
            json_object_set(body, "max_completion_tokens", json_object_get(body, name));
        json_object_del(body, name);
    }
    return take_json(body);
}

/* --- tokens --------------------------------------------------------------------------------------------- */

/* The text of a token: of its `bytes` where they are one; else as it is written. The caller frees it. */
static char *token_text(const json_t *token, const json_t *bytes)
{
    Str s = {0};
    bool usable = json_array_size(bytes) > 0;
    for (size_t i = 0; usable && i < json_array_size(bytes); i++) {
        double byte = json_is_number(json_array_get(bytes, i)) ? json_number_value(json_array_get(bytes, i)) : 0;
        usable = byte >= 1 && byte <= 255;
        if (usable)
            str_addc(&s, (char)(unsigned char)byte);
    }
    for (size_t i = 0; usable && i < s.n;) {
        int n = str_utf8_length((const unsigned char *)s.text + i, s.n - i);
        usable = n > 0;
        i += (size_t)n;
    }
    if (usable)
        return str_take(&s);
    str_release(&s);
    const char *text = json_string_value(token);
    return mem_str(text ? text : "");
}

/* Takes `text` over. What is no log-probability (null, NaN, a number above 0) stands as null: it matters only if the token is
 * an answer. */
static void add_token(json_t *list, char *text, const json_t *logp)
{
    static const double IMPOSSIBLE = -9999; /* as vLLM writes minus infinity */
    double x = json_number_value(logp);
    bool known = json_is_number(logp) && x < 0.01; /* 0, and what rounding adds */
    json_t *number = known ? json_real(x > 0 ? 0.0 : x < IMPOSSIBLE ? IMPOSSIBLE : x) : json_null();
    json_array_append_new(list, json_pack("[s, o]", text, number));
    free(text);
}

/* The newer form: {"content": [{"top_logprobs": [{"token", "logprob", "bytes"}, ...]}, ...]}. */
static void read_content(const json_t *content, json_t *list)
{
    const json_t *top = json_object_get(json_array_get(content, 0), "top_logprobs");
    for (size_t i = 0; i < json_array_size(top); i++) {
        const json_t *one = json_array_get(top, i);
        add_token(list, token_text(json_object_get(one, "token"), json_object_get(one, "bytes")),
                  json_object_get(one, "logprob"));
    }
}

/* The next value of a text, or NULL; *at goes on behind it. */
static json_t *take_value(const char **at)
{
    json_error_t e;
    *at += strspn(*at, " \t\r\n,:");
    json_t *value = json_loads(*at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &e);
    *at += value ? e.position : 0;
    return value;
}

/* The older one: {"top_logprobs": [{token: log-probability, ...}, ...]}, an object of this many names. It is read from the
 * text, for tokens that are written alike ("1" and " 1" without blanks) stand in it twice. */
static void read_object(const char *text, json_t *list)
{
    static const char name[] = "\"top_logprobs\"";
    const char *at = strstr(text, name);
    at = at ? at + strlen(name) : "";
    for (at += strspn(at, " \t\r\n:[{"); *at && at[strspn(at, " \t\r\n")] != '}';) {
        json_t *token = take_value(&at), *logp = token ? take_value(&at) : NULL;
        if (logp)
            add_token(list, mem_str(json_string_value(token)), logp);
        json_decref(token);
        json_decref(logp);
        if (!logp)
            break;
    }
}

static double number_at(const json_t *one)
{
    const json_t *logp = json_array_get(one, 1);
    return json_is_number(logp) ? json_number_value(logp) : -HUGE_VAL;
}

static int more_probable(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
    double p = number_at(x), q = number_at(y);
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
    free(at);
    json_decref(list);
    return sorted;
}

/* Are they named by their numbers alone? */
static bool only_numbers(const json_t *list)
{
    bool all = json_array_size(list) > 0;
    for (size_t i = 0; all && i < json_array_size(list); i++)
        all = str_starts(json_string_value(json_array_get(json_array_get(list, i), 0)), "token_id:");
    return all;
}

/* --- replies -------------------------------------------------------------------------------------------- */

/* Why there is nothing: a filter says so in finish_reason, a model in `refusal`. */
static void say_withheld(const json_t *choice, const char *what, Err *err)
{
    const char *why = json_text_of(choice, "finish_reason"),
               *refusal = json_text_of(json_object_get(choice, "message"), "refusal");
    bool filtered = why && strcmp(why, "content_filter") == 0;
    err_set(err, ERR_INPUT, "the endpoint's reply has no %s%s%s%s", what,
            filtered ? ": its content filter withheld it" : "", refusal ? ": " : "", refusal ? refusal : "");
    if (filtered || refusal)
        err_hint(err, "--skip-bad leaves such rows out, where the command has it");
}

static ReplyUse read_top(const json_t *choice, const char *text, int top, json_t **out, Err *err)
{
    const json_t *logprobs = json_object_get(choice, "logprobs"), *content = json_object_get(logprobs, "content"),
                 *objects = json_object_get(logprobs, "top_logprobs");
    json_t *list = json_array();
    if (json_is_array(content))
        read_content(content, list);
    else if (json_is_object(json_array_get(objects, 0)))
        read_object(text, list);
    bool any = json_array_size(list) > 0;
    *out = list = sort_tokens(list, top);
    bool numbered = any && json_is_number(json_array_get(json_array_get(list, 0), 1));
    if (numbered && !only_numbers(list))
        return REPLY_TAKEN;
    if (numbered)
        err_set(err, ERR_INPUT, "the endpoint names tokens by their numbers: \"%s\"",
                json_string_value(json_array_get(json_array_get(list, 0), 0)));
    else if (any)
        err_set(err, ERR_INPUT, "the reply's log-probabilities are no numbers below 0");
    else
        say_withheld(choice, "log-probabilities of the next token", err);
    if (numbered)
        err_hint(err, "answers are told by their text: start the server so that it writes it (vLLM: without "
                      "--return-tokens-as-token-ids)");
    err_hint(err, "judgments are probabilities, never parsed from a text: take a server and a model that return "
                  "log-probabilities (llama-cpp-python: --logits_all true), or the other --endpoint-kind");
    json_decref(list);
    *out = NULL;
    return REPLY_REFUSED;
}

/* Where every token of the prompt begins, and where the last one ends: [n + 1], in characters from somewhere. The caller frees it. */
static int *token_places(const json_t *tokens, const json_t *offsets, int n)
{
    int *at = mem_zalloc((size_t)n + 1, sizeof *at);
    bool told = json_array_size(offsets) >= (size_t)n;
    for (int i = 0; i < n; i++) {
        const json_t *next = json_array_get(offsets, (size_t)i + 1);
        const char *token = json_string_value(json_array_get(tokens, (size_t)i));
        at[i] = told ? (int)json_number_value(json_array_get(offsets, (size_t)i)) : at[i];
        at[i + 1] = told && next ? (int)json_number_value(next) : at[i] + (token ? text_characters(token) : 0);
    }
    return at;
}

/* The log-probabilities of the tokens that begin within the last part of the prompt; NULL where one has none that is a number.
 * Places count from the prompt's end: before its beginning some servers count a token that is no text. */
static json_t *given_part(const json_t *logp, const int *at, int n, int last)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) {
        const json_t *x = json_array_get(logp, (size_t)i);
        double number = json_number_value(x);
        if (at[i] < at[n] - last || at[i] == at[n])
            continue;
        if (!json_is_number(x) || !(number < 0.01)) {
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, json_real(number < 0 ? number : 0));
    }
    return list;
}

/* Of a given text. What was written behind it, since servers write a token at least, is left out. */
static ReplyUse read_given(const json_t *reply, const Demand *d, json_t **out, Err *err)
{
    const json_t *logprobs = json_object_get(json_array_get(json_object_get(reply, "choices"), 0), "logprobs"),
                 *tokens = json_object_get(logprobs, "tokens"), *logp = json_object_get(logprobs, "token_logprobs");
    int all = (int)json_array_size(tokens),
        n = all - (int)json_number_of(json_object_get(reply, "usage"), "completion_tokens", 1),
        last = text_characters(d->text + strlen(d->text) - (size_t)d->last);
    *out = NULL;
    if (n < 1 || n > all || json_array_size(logp) != (size_t)all) {
        err_set(err, ERR_INPUT, "the endpoint gives no log-probabilities of a text that it is sent");
        return err_hint(err, ECHO_REMEDY), REPLY_REFUSED;
    }
    int *at = token_places(tokens, json_object_get(logprobs, "text_offset"), n);
    *out = given_part(logp, at, n, last);
    free(at);
    if (*out)
        return REPLY_TAKEN;
    err_set(err, ERR_INPUT, "the endpoint gives no number as the log-probability of a token of the response");
    return err_hint(err, "--skip-bad leaves such rows out, where the command has it"), REPLY_REFUSED;
}

static ReplyUse read_text(const json_t *choice, EndpointKind kind, json_t **out, Err *err)
{
    const json_t *message = json_object_get(choice, "message");
    const char *text = kind == ENDPOINT_CHAT ? json_text_of(message, "content") : json_text_of(choice, "text");
    if (text) {
        *out = json_string(text);
        return REPLY_TAKEN;
    }
    say_withheld(choice, "text", err);
    err_hint(err,
             "a model that thinks first may have come to no text: give the prompt's cot more max-new-tokens, or have "
             "the server not think");
    return REPLY_REFUSED;
}

/* In place of choices, with status 200: what some servers that ask others say of a failure. */
static ReplyUse read_failure(const json_t *reply, const json_t *choice, Err *err)
{
    const json_t *error = json_object_get(reply, "error") ? json_object_get(reply, "error")
                                                          : json_object_get(choice, "error"),
                 *code = json_object_get(error ? error : reply, "code");
    const char *words = http_error_words(reply) ? http_error_words(reply) : json_text_of(error, "message"),
               *name = json_is_string(code) ? json_string_value(code) : json_text_of(error, "type");
    int status = json_is_number(code) ? (int)json_number_value(code) : name ? (int)strtol(name, NULL, 10) : 0;
    status /= status > 9999 ? 100 : 1; /* some count their own kinds behind it: 40303 */
    bool misplaced = words && strcasestr(words, "unexpected endpoint"); /* LM Studio's 404 */
    bool refused = (status / 100 == 4 && !http_status_passes(status)) ||
                   (name && (strstr(name, "content") || strstr(name, "invalid"))) || misplaced;
    err_set(err, refused || !words ? ERR_INPUT : ERR_IO, "the endpoint's reply has no choices%s%s", words ? ": " : "",
            words ? words : "");
    if (!words || misplaced)
        err_hint(err, "is that the base address of an OpenAI-compatible API? It often ends in /v1");
    return !words ? REPLY_REFUSED : refused ? REPLY_FAILURE : REPLY_AGAIN;
}

static ReplyUse read_choice(const json_t *reply, const char *text, const Demand *d, EndpointKind kind, int top,
                            json_t **part, Err *err)
{
    const json_t *choice = json_array_get(json_object_get(reply, "choices"), 0);
    if (!json_is_object(choice) || json_object_get(choice, "error"))
        return read_failure(reply, choice, err);
    if (d->given)
        return read_given(reply, d, part, err);
    return d->next ? read_top(choice, text, top, part, err) : read_text(choice, kind, part, err);
}

static ReplyUse no_json(const char *body, Err *err)
{
    char words[200];
    const char *begin = body + strspn(body, " \t\r\n");
    bool page = *begin == '<';
    if (str_starts(begin, "data:") || str_starts(begin, "event:")) {
        err_set(err, ERR_INPUT, "the endpoint streams its reply, which nobody asked for");
        err_hint(err, "have the server, or what stands between, answer in one piece");
        return REPLY_REFUSED;
    }
    http_body_words(body, words, sizeof words);
    err_set(err, ERR_IO, "the endpoint's reply is no JSON%s: \"%s\"", page ? " but a page" : "", words);
    err_hint(err,
             page ? "see what answers at that address: a proxy, a login page, or a server whose API has another base "
                    "address (it often ends in /v1); what was answered is stored, and the same command goes on"
                  : "see what answers at that address; what was answered is stored, and the same command goes on");
    return REPLY_AGAIN;
}

ReplyUse endpoint_read(const HttpReply *from, const Demand *d, EndpointKind kind, int top, json_t **said, Err *err)
{
    Str text = {0};
    json_error_t e;
    json_mend(&text, from->body, from->n);
    json_t *reply = json_loadb(str_text(&text), text.n, JSON_DECODE_INT_AS_REAL, &e), *part = NULL;
    *said = NULL;
    if (!reply) {
        str_release(&text);
        return no_json(from->body, err);
    }
    const json_t *usage = json_object_get(reply, "usage");
    ReplyUse use = read_choice(reply, str_text(&text), d, kind, top, &part, err);
    if (use == REPLY_TAKEN) { /* where the server does not count, its bytes are the most tokens there can be */
        double bytes = (double)(strlen(d->text) + strlen(d->system)), most = d->next || d->given ? 1 : d->max_tokens;
        *said = json_pack("{s:s, s:I, s:I, s:o}", "kind", endpoint_kind_name(kind), "read",
                          (json_int_t)json_number_of(usage, "prompt_tokens", bytes), "wrote",
                          (json_int_t)json_number_of(usage, "completion_tokens", most),
                          d->given  ? "given"
                          : d->next ? "top"
                                    : "text",
                          part);
    }
    json_decref(reply);
    str_release(&text);
    return use;
}
