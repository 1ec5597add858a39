/* Asking an endpoint: what the store has, then the rest; how it wants to be asked; the budget. */
#include "rlaif/endpoint.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/http.h"

const Option endpoint_option_rows[ENDPOINT_OPTIONS] = {
    {"endpoint", OPT_TEXT, AT(EndpointOptions, url), .value = "URL",
     .help = "a judge elsewhere: base address of an OpenAI-compatible API; its key is OPENAI_API_KEY"},
    {"api-model", OPT_TEXT, AT(EndpointOptions, model), .value = "NAME", .help = "the judge's name there"},
    {"endpoint-kind", OPT_CHOICE, AT(EndpointOptions, kind), .choices = ENDPOINT_KINDS, .otherwise = "auto",
     .flags = OPT_WORKING, .help = "how it is asked; auto: as the prompt says, else completions if it offers them"},
    {"top-logprobs", OPT_INT, AT(EndpointOptions, top), 1, 1000, "20", .flags = OPT_WORKING,
     .help = "so many of the most probable tokens are asked for"},
    {"concurrency", OPT_INT, AT(EndpointOptions, concurrency), 1, 1000, "8", .flags = OPT_WORKING,
     .help = "requests to the endpoint under way at a time"},
    {"retries", OPT_INT, AT(EndpointOptions, retries), 0, 1000, "8", .flags = OPT_WORKING,
     .help = "of a request that failed in a way that may pass"},
    {"retry-wait", OPT_REAL, AT(EndpointOptions, retry_wait), 0, 60, "1", .flags = OPT_WORKING,
     .help = "seconds before it is sent again, about; twice as many each time"},
    {"timeout", OPT_REAL, AT(EndpointOptions, timeout), 0.01, 86400, "120", .flags = OPT_WORKING,
     .help = "seconds for one try of a request"},
    {"per-minute", OPT_REAL, AT(EndpointOptions, per_minute), 0, 1e9, "0", .flags = OPT_WORKING,
     .help = "requests begun in a minute; 0: as many as there are"},
    {"budget-tokens", OPT_REAL, AT(EndpointOptions, budget_tokens), 0, 1e15, "0", .flags = OPT_WORKING,
     .help = "most tokens that the endpoint may read and write in this call; 0: no limit"},
    {"budget", OPT_REAL, AT(EndpointOptions, budget), 0, 1e12, "0", .value = "DOLLARS", .flags = OPT_WORKING,
     .help = "most that it may cost in this call, by the prices; 0: no limit"},
};

enum {
    FEWER = 5,             /* log-probabilities that every completions server gives */
    MESSAGE_TOKENS = 64,   /* that a chat template may add, about */
    MOST_BYTES = 16 << 20, /* of a reply */
};

/* Tokens. */
typedef struct Use {
    double input, output;
} Use;

struct Endpoint {
    const EndpointOptions *o;
    Store *store;
    Http *http;
    json_t *about, *ways; /* ways: {"kind": what auto is, "completions": how many log-probabilities it gives, "chat"} */
    char *ways_key;
    Spending *call;
    Use spent, under_way; /* under_way: the most that requests being made may take */
    int requests, kept;
};

/* A batch: what is still to be asked. */
typedef struct Batch {
    Endpoint *e;
    const Demand *demand;
    json_t **out;
    int *missing, n; /* demands without an answer */
    bool first;      /* one request, which shows how the endpoint wants to be asked */
    bool other_way;  /* it wants to be asked in another way */
    bool too_dear;   /* the budget has no room while others are under way */
} Batch;

/* --- opening -------------------------------------------------------------------------------------------- */

bool endpoint_about(const EndpointOptions *o, json_t **out, Err *err)
{
    char *url, kind[64];
    *out = NULL;
    if (!http_address(o->url, &url, err))
        return false;
    *out = json_pack("{s:s, s:s*, s:s, s:i}", "url", url, "model", o->model, "kind",
                     options_choice(ENDPOINT_KINDS, o->kind, kind), "top_logprobs", o->top);
    free(url);
    if (o->model && o->model[0])
        return true;
    json_decref(*out);
    *out = NULL;
    err_set(err, ERR_INPUT, "--endpoint needs --api-model: the name of the model that is to judge");
    return err_hint(err, "the server lists its models at URL/models");
}

static char *hash_of(const char *what, const char *text)
{
    char digits[HASH_TEXT];
    Hash *h = hash_new();
    hash_add_text(h, what);
    hash_add_text(h, text);
    hash_end(h, digits);
    return mem_str(digits);
}

/* How this endpoint was found to be asked; nothing where it is new. */
static bool load_ways(Endpoint *e, Err *err)
{
    char *about = json_text(e->about), *said;
    e->ways_key = hash_of("ways", about);
    free(about);
    if (!store_answer_find(e->store, e->ways_key, &said, err))
        return false;
    bool ok = !said || json_parse(said, strlen(said), "a stored endpoint", &e->ways, err);
    free(said);
    if (ok && !e->ways)
        e->ways = json_object();
    return ok;
}

static bool set_way(Endpoint *e, const char *name, json_t *value, Err *err)
{
    json_object_set_new(e->ways, name, value);
    char *text = json_text(e->ways);
    bool ok = store_answer_put(e->store, e->ways_key, text, err);
    free(text);
    return ok;
}

bool endpoint_open(Endpoint **out, const EndpointOptions *o, const char *key, Store *store, Spending *call, Err *err)
{
    HttpOptions h = {.concurrency = o->concurrency,
                     .retries = o->retries,
                     .timeout = o->timeout,
                     .retry_wait = o->retry_wait,
                     .per_minute = o->per_minute,
                     .next_start = &call->next_start,
                     .most_bytes = MOST_BYTES,
                     .key = key};
    Endpoint *e = mem_zalloc(1, sizeof *e);
    e->o = o;
    e->store = store;
    e->call = call;
    *out = e;
    if (endpoint_about(o, &e->about, err) && load_ways(e, err) && http_open(&e->http, &h, err))
        return true;
    endpoint_free(e);
    *out = NULL;
    return false;
}

void endpoint_free(Endpoint *e)
{
    if (!e)
        return;
    http_close(e->http);
    json_decref(e->about);
    json_decref(e->ways);
    free(e->ways_key);
    free(e);
}

json_t *endpoint_spent(const Endpoint *e)
{
    const Spending *c = e->call;
    return json_pack("{s:i, s:i, s:i, s:I, s:I, s:f, s:{s:I, s:I, s:f}}", "requests", e->requests, "kept", e->kept,
                     "retries", http_retries(e->http), "input", (json_int_t)e->spent.input, "output",
                     (json_int_t)e->spent.output, "dollars", cost_judge(&e->o->prices, e->spent.input, e->spent.output),
                     "call", "input", (json_int_t)c->input, "output", (json_int_t)c->output, "dollars", c->dollars);
}

/* --- how it is asked ------------------------------------------------------------------------------------ */

static const char *kind_name(EndpointKind kind)
{
    return kind == ENDPOINT_CHAT ? "chat" : "completions";
}

bool endpoint_chats(const Endpoint *e, EndpointKind kind)
{
    const char *found = json_text_of(e->ways, "kind");
    return kind == ENDPOINT_CHAT || (kind == ENDPOINT_AUTO && found && strcmp(found, "chat") == 0);
}

static EndpointKind kind_of(const Endpoint *e, const Demand *d)
{
    return endpoint_chats(e, d->kind) ? ENDPOINT_CHAT : ENDPOINT_COMPLETIONS;
}

static int top_of(const Endpoint *e, EndpointKind kind)
{
    return (int)json_number_of(e->ways, kind_name(kind), e->o->top);
}

/* Has it been asked in this way before, and given what was wanted? */
static bool way_is_known(const Endpoint *e, const Demand *d)
{
    return (!d->next || json_object_get(e->ways, kind_name(kind_of(e, d)))) &&
           (d->kind != ENDPOINT_AUTO || json_object_get(e->ways, "kind"));
}

static char *body_of(const Endpoint *e, const Demand *d)
{
    EndpointKind kind = kind_of(e, d);
    return endpoint_body(d, e->o->model, kind, top_of(e, kind));
}

static char *url_of(const Endpoint *e, EndpointKind kind)
{
    return mem_printf("%s/%s", json_text_of(e->about, "url"),
                      kind == ENDPOINT_CHAT ? "chat/completions" : "completions");
}

static char *key_of(const Endpoint *e, const Demand *d)
{
    char *body = body_of(e, d), *url = url_of(e, kind_of(e, d)), *key = hash_of(url, body);
    free(body);
    free(url);
    return key;
}

bool endpoint_find(const Endpoint *e, const Demand *d, char **key, json_t **said, Err *err)
{
    char *text;
    *key = key_of(e, d);
    *said = NULL;
    bool ok = store_answer_find(e->store, *key, &text, err) &&
              (!text || json_parse(text, strlen(text), "a stored answer", said, err));
    free(text);
    return ok;
}

bool endpoint_is_new(const Endpoint *e)
{
    return json_object_size(e->ways) == 0;
}

/* --- the budget ----------------------------------------------------------------------------------------- */

/* The most that a request may take: a text has no more tokens than bytes. */
static Use most_of(const Demand *d)
{
    return (Use){(double)(strlen(d->text) + strlen(d->system)) + MESSAGE_TOKENS, d->next ? 1 : d->max_tokens};
}

/* Would so much more be more than what the call may take? */
static bool exceeds(const Endpoint *e, Use u)
{
    const EndpointOptions *o = e->o;
    const Spending *c = e->call;
    return (o->budget_tokens > 0 && c->input + c->output + u.input + u.output > o->budget_tokens) ||
           (o->budget > 0 && c->dollars + cost_judge(&o->prices, u.input, u.output) > o->budget);
}

static bool within_budget(Batch *b, const Demand *d, Err *err)
{
    Endpoint *e = b->e;
    const Spending *c = e->call;
    Use most = most_of(d), *busy = &e->under_way, more = {busy->input + most.input, busy->output + most.output};
    if (exceeds(e, more)) {
        b->too_dear = true;
        err_set(
            err, ERR_INPUT,
            "%s: the budget ends here: %.0f tokens were read and %.0f written, $%.4f, and the next request may take "
            "%.0f more",
            d->where, c->input, c->output, c->dollars, most.input + most.output);
        return err_hint(err, "what was answered is stored: the same command with another --budget or --budget-tokens "
                             "goes on from here");
    }
    busy->input += most.input;
    busy->output += most.output;
    return true;
}

/* --- one batch ------------------------------------------------------------------------------------------ */

static char *give_body(void *context, int i, Err *err)
{
    Batch *b = context;
    const Demand *d = &b->demand[b->missing[i]];
    return within_budget(b, d, err) ? body_of(b->e, d) : NULL;
}

static void count_reply(Endpoint *e, const json_t *said)
{
    double read = json_number_of(said, "read", 0), wrote = json_number_of(said, "wrote", 0);
    e->requests++;
    e->spent.input += read;
    e->spent.output += wrote;
    e->call->input += read;
    e->call->output += wrote;
    e->call->dollars += cost_judge(&e->o->prices, read, wrote);
}

static bool take_reply(void *context, int i, const HttpReply *reply, bool *again, Err *err)
{
    Batch *b = context;
    Endpoint *e = b->e;
    const Demand *d = &b->demand[b->missing[i]];
    EndpointKind kind = kind_of(e, d);
    json_t *said;
    if (!endpoint_read(reply->body, reply->n, d, kind, top_of(e, kind), &said, again, err))
        return err_context(err, "%s", d->where);
    *again = false;
    count_reply(e, said);
    e->under_way.input -= most_of(d).input;
    e->under_way.output -= most_of(d).output;
    b->out[b->missing[i]] = said;
    char *key = key_of(e, d), *text = json_text(said);
    bool ok = store_answer_put(e->store, key, text, err);
    free(key);
    free(text);
    return ok;
}

/* Is it the way of asking that was refused? What of it to change, and to what; NULL where no other would help. */
static json_t *another_way(const Endpoint *e, const Demand *d, const HttpReply *reply, const char **name)
{
    EndpointKind kind = kind_of(e, d);
    bool unknown = reply->status == 404 || reply->status == 405 || reply->status == 501;
    if (unknown && d->kind == ENDPOINT_AUTO && kind == ENDPOINT_COMPLETIONS) {
        log_note("%s offers no completions: it is asked by chat", json_text_of(e->about, "url"));
        *name = "kind";
        return json_string("chat");
    }
    if (reply->status / 100 == 4 && d->next && top_of(e, kind) > FEWER && strstr(reply->body, "logprobs")) {
        log_note("%s gives no %d log-probabilities: it is asked for %d", json_text_of(e->about, "url"), top_of(e, kind),
                 FEWER);
        *name = kind_name(kind);
        return json_integer(FEWER);
    }
    return NULL;
}

/* The first request shows how to ask. */
static bool take_refusal(void *context, int i, const HttpReply *reply, Err *err)
{
    Batch *b = context;
    const Demand *d = &b->demand[b->missing[i]];
    const char *name;
    json_t *value = b->first ? another_way(b->e, d, reply, &name) : NULL;
    if (value) {
        err_clear(err);
        b->other_way = set_way(b->e, name, value, err);
        return b->other_way;
    }
    if (reply->status == 401 || reply->status == 403)
        err_hint(err, "the key comes from the environment: OPENAI_API_KEY");
    return err_context(err, "%s", d->where);
}

/* Posts what is missing, or its first. Where the budget has room only once others are done, it is posted again. */
static bool post_missing(Batch *b, Err *err)
{
    Endpoint *e = b->e;
    EndpointKind kind = kind_of(e, &b->demand[b->missing[0]]);
    char *url = url_of(e, kind);
    HttpWork w = {.url = url,
                  .n = b->first ? 1 : b->n,
                  .context = b,
                  .body = give_body,
                  .use = take_reply,
                  .refused = take_refusal};
    int before = e->requests;
    b->too_dear = false;
    bool ok = http_post(e->http, &w, err);
    e->under_way = (Use){0};
    if (!ok && b->too_dear && err->code == ERR_INPUT && e->requests > before) {
        err_clear(err);
        ok = true;
    }
    free(url);
    if (!ok && err->code == ERR_IO)
        err_hint(err, "see whether the server is there and takes the model; what was answered is stored, and the same "
                      "command goes on from it");
    return ok;
}

/* What the store has. The numbers of the rest are b->missing; of what is the same only the first. */
static bool find_missing(Batch *b, int n, Err *err)
{
    json_t *wanted = json_object();
    bool ok = true;
    b->n = 0;
    for (int i = 0; ok && i < n; i++) {
        if (b->out[i])
            continue;
        char *key;
        ok = endpoint_find(b->e, &b->demand[i], &key, &b->out[i], err);
        b->e->kept += b->out[i] != NULL;
        if (ok && !b->out[i] && !json_object_get(wanted, key)) {
            b->missing[b->n++] = i;
            json_object_set_new(wanted, key, json_true());
        }
        free(key);
    }
    json_decref(wanted);
    return ok;
}

/* One request alone, in one way after the other, until the endpoint takes it. */
static bool find_way(Batch *b, Err *err)
{
    const Demand *d = &b->demand[b->missing[0]];
    b->first = true;
    do {
        b->other_way = false;
        if (!post_missing(b, err))
            return false;
    } while (b->other_way);
    b->first = false;
    EndpointKind kind = kind_of(b->e, d);
    return (d->kind != ENDPOINT_AUTO || set_way(b->e, "kind", json_string(kind_name(kind)), err)) &&
           (!d->next || set_way(b->e, kind_name(kind), json_integer(top_of(b->e, kind)), err));
}

bool endpoint_ask(Endpoint *e, const Demand *d, int n, json_t **out, Err *err)
{
    Batch b = {.e = e, .demand = d, .out = out, .missing = mem_alloc((size_t)n, sizeof *b.missing)};
    memset(out, 0, (size_t)n * sizeof *out);
    bool ok = find_missing(&b, n, err);
    while (ok && b.n > 0) {
        ok = way_is_known(e, &d[b.missing[0]]) ? post_missing(&b, err) : find_way(&b, err);
        ok = ok && find_missing(&b, n, err);
    }
    free(b.missing);
    return ok;
}
