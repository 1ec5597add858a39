/* Asking an endpoint: what the store has, then the rest; how it wants to be asked; the budget. */
#include "rlaif/judge/endpoint.h"

#include "base/log.h"
#include "base/mem.h"
#include "rlaif/judge/endpoint_reply.h"
#include "rlaif/judge/endpoint_ways.h"

const Option endpoint_option_rows[ENDPOINT_OPTIONS] = {
    {"endpoint", OPT_TEXT, AT(EndpointOptions, url), .value = "URL",
     .help = "a judge elsewhere: base address of an OpenAI-compatible API; its key is OPENAI_API_KEY"},
    {"api-model", OPT_TEXT, AT(EndpointOptions, model), .value = "NAME", .with = "endpoint",
     .help = "the judge's name there"},
    {"endpoint-kind", OPT_CHOICE, AT(EndpointOptions, kind), .choices = ENDPOINT_KINDS, .otherwise = "auto",
     .flags = OPT_WORKING, .with = "endpoint",
     .help = "how it is asked; auto: as the prompt says, else completions if it offers them"},
    {"top-logprobs", OPT_INT, AT(EndpointOptions, top), 1, 1000, "20", .flags = OPT_WORKING, .with = "endpoint",
     .help = "so many of the most probable tokens are asked for"},
    {"concurrency", OPT_INT, AT(EndpointOptions, concurrency), 1, 1000, "8", .flags = OPT_WORKING, .with = "endpoint",
     .help = "requests to the endpoint under way at a time"},
    {"retries", OPT_INT, AT(EndpointOptions, retries), 0, 1000, "8", .flags = OPT_WORKING, .with = "endpoint",
     .help = "of a request that failed in a way that may pass"},
    {"retry-wait", OPT_REAL, AT(EndpointOptions, retry_wait), 0, 60, "1", .flags = OPT_WORKING, .with = "endpoint",
     .help = "seconds before it is sent again, about; twice as many each time"},
    {"timeout", OPT_REAL, AT(EndpointOptions, timeout), 0.01, 86400, "120", .flags = OPT_WORKING, .with = "endpoint",
     .help = "seconds for one try of a request"},
    {"cacert", OPT_TEXT, AT(EndpointOptions, certificates), .value = "FILE", .flags = OPT_WORKING, .with = "endpoint",
     .help = "certificates of authorities that sign the endpoint's, in PEM [SSL_CERT_FILE, else the system's]"},
    {"per-minute", OPT_REAL, AT(EndpointOptions, per_minute), 0, 1e9, "0", .flags = OPT_WORKING, .with = "endpoint",
     .help = "requests begun in a minute; 0: as many as there are"},
    {"budget-tokens", OPT_REAL, AT(EndpointOptions, budget_tokens), 0, 1e15, "0", .flags = OPT_WORKING,
     .with = "endpoint", .help = "most tokens that the endpoint may read and write in this call; 0: no limit"},
    {"budget", OPT_REAL, AT(EndpointOptions, budget), 0, 1e12, "0", .value = "DOLLARS", .flags = OPT_WORKING,
     .with = "endpoint", .help = "most that it may cost in this call, by the prices; 0: no limit"},
};

enum {
    MESSAGE_TOKENS = 64,   /* that a chat template may add, about */
    MOST_BYTES = 16 << 20, /* of a reply */
    MOST_PAGES = 2,        /* tries again where a page came before any answer: it is a wrong address, most often */
    MOST_REFUSED = 5,      /* prompts that may be refused before it has answered one: then it is not the prompts */
};

/* Tokens. */
typedef struct Use {
    double input, output;
} Use;

struct Endpoint {
    const EndpointOptions *o;
    Store *store;
    Http *http;
    json_t *about;
    Ways ways;       /* how it wants to be asked */
    json_t *refused; /* what it refused in this call: key -> why */
    Spending *call;
    Use spent, under_way; /* under_way: the most that requests being made may take */
    int requests, kept;
    int pages;  /* that came in place of replies */
    int failed; /* prompts in a row that it failed on while it answered no other */
};

/* A batch: what is still to be asked. */
typedef struct Batch {
    Endpoint *e;
    const Demand *demand;
    json_t **out;
    int *missing, n;   /* demands without an answer */
    bool first;        /* one request, which shows how the endpoint wants to be asked */
    bool other_way;    /* it wants to be asked in another way */
    bool not_answered; /* and that prompt gets no answer */
    bool too_dear;     /* the budget has no room while others are under way */
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

bool endpoint_check(const OptionTable *t, const void *options, const char *where, Err *err)
{
    size_t base;
    json_t *about = NULL;
    const Option *o = options_find(t, "endpoint", &base);
    const EndpointOptions *e = o ? (const void *)((const char *)options + base) : NULL;
    bool ok = !e || !e->url || endpoint_about(e, &about, err) || err_context(err, "%s", where);
    json_decref(about);
    return ok;
}

bool endpoint_open(Endpoint **out, const EndpointOptions *o, const HttpEnvironment *environment, Store *store,
                   Spending *call, Err *err)
{
    HttpOptions h = {.concurrency = o->concurrency,
                     .retries = o->retries,
                     .timeout = o->timeout,
                     .retry_wait = o->retry_wait,
                     .per_minute = o->per_minute,
                     .next_start = &call->next_start,
                     .most_bytes = MOST_BYTES,
                     .environment = *environment};
    if (o->certificates)
        h.environment.certificates = o->certificates;
    Endpoint *e = mem_zalloc(1, sizeof *e);
    e->o = o;
    e->store = store;
    e->call = call;
    e->refused = json_object();
    *out = e;
    if (endpoint_about(o, &e->about, err) && ways_load(&e->ways, store, e->about, &o->top, err) &&
        http_open(&e->http, &h, err))
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
    ways_release(&e->ways);
    json_decref(e->about);
    json_decref(e->refused);
    free(e);
}

bool endpoint_chats(const Endpoint *e, EndpointKind kind)
{
    return way_chats(&e->ways, kind);
}

bool endpoint_is_new(const Endpoint *e)
{
    return json_object_size(e->ways.found) == 0;
}

json_t *endpoint_spent(const Endpoint *e)
{
    const Spending *c = e->call;
    return json_pack("{s:i, s:i, s:i, s:I, s:I, s:f, s:{s:I, s:I, s:f}}", "requests", e->requests, "kept", e->kept,
                     "retries", http_retries(e->http), "input", (json_int_t)e->spent.input, "output",
                     (json_int_t)e->spent.output, "dollars", cost_judge(&e->o->prices, e->spent.input, e->spent.output),
                     "call", "input", (json_int_t)c->input, "output", (json_int_t)c->output, "dollars", c->dollars);
}

/* --- what the store has --------------------------------------------------------------------------------- */

static char *url_of(const Endpoint *e, EndpointKind kind)
{
    return mem_printf("%s/%s", json_text_of(e->about, "url"),
                      kind == ENDPOINT_CHAT ? "chat/completions" : "completions");
}

/* Of the whole request: parameters that it has to do without do not make it another. */
static char *key_of(const Endpoint *e, const Demand *d)
{
    EndpointKind kind = way_kind(&e->ways, d);
    char *body = endpoint_request(d, e->o->model, kind, way_top(&e->ways, kind)), *url = url_of(e, kind),
         *key = endpoint_hash(url, body);
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
    if (*said && d->refused != REFUSED_KEPT && json_object_get(*said, "refused")) {
        json_decref(*said);
        *said = NULL;
    }
    return ok;
}

/* --- the budget ----------------------------------------------------------------------------------------- */

/* The most that a request may take: a text has no more tokens than bytes. */
static Use most_of(const Demand *d)
{
    return (Use){(double)(strlen(d->text) + strlen(d->system)) + MESSAGE_TOKENS,
                 d->next || d->given ? 1 : d->max_tokens};
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
    EndpointKind kind = way_kind(&b->e->ways, d);
    return within_budget(b, d, err) ? endpoint_body(d, b->e->o->model, kind, way_top(&b->e->ways, kind),
                                                    json_object_get(b->e->ways.found, "without"))
                                    : NULL;
}

static void count_reply(Endpoint *e, const json_t *said)
{
    double read = json_number_of(said, "read", 0), wrote = json_number_of(said, "wrote", 0);
    e->requests++;
    e->failed = 0;
    e->spent.input += read;
    e->spent.output += wrote;
    e->call->input += read;
    e->call->output += wrote;
    e->call->dollars += cost_judge(&e->o->prices, read, wrote);
}

/* It is no longer under way. */
static void end_use(Endpoint *e, const Demand *d)
{
    e->under_way.input -= most_of(d).input;
    e->under_way.output -= most_of(d).output;
}

/* The others are asked all the same. */
static bool leave_out(Batch *b, int i, Err *err)
{
    Endpoint *e = b->e;
    const Demand *d = &b->demand[b->missing[i]];
    char *key = key_of(e, d);
    log_warn("%s; it is left out", err->msg);
    b->out[b->missing[i]] = json_pack("{s:b}", "refused", true);
    json_object_set_new(e->refused, key, json_true());
    b->not_answered = true;
    end_use(e, d);
    err_clear(err);
    bool ok = d->refused != REFUSED_KEPT || store_answer_put(e->store, key, "{\"refused\": true}", err);
    free(key);
    return ok;
}

/* No answer will come, as *err says: true where the command goes on without, or asks in another way. */
static bool take_refusal(Batch *b, int i, int status, const char *body, Err *err)
{
    Endpoint *e = b->e;
    const Demand *d = &b->demand[b->missing[i]];
    bool of_this = status / 100 == 4 && status != 401 && status != 402 && status != 407 && !http_status_passes(status);
    err_context(err, "%s", d->where);
    b->other_way = b->first && way_change(&e->ways, d, status, body);
    if (b->other_way)
        return true;
    if (status == 401 || status == 403)
        err_hint(err, "the key comes from the environment: OPENAI_API_KEY");
    if (status == 404 || status == 405)
        err_hint(err,
                 "the base address is %s (it often ends in /v1), the model's name there %s: see whether both are "
                 "right",
                 json_text_of(e->about, "url"), e->o->model);
    if (of_this && d->given)
        err_hint(err, ECHO_REMEDY);
    bool too_many = b->first && (int)json_object_size(e->refused) >= MOST_REFUSED - 1;
    if (of_this && too_many)
        err_hint(err, "not one of %d prompts was answered: it is not the prompts", MOST_REFUSED);
    if (of_this && d->refused == REFUSED_FAILS)
        err_hint(err, "if it is this prompt alone, --skip-bad leaves its row out, where the command has it; what was "
                      "answered is stored");
    return of_this && d->refused != REFUSED_FAILS && !too_many && leave_out(b, i, err);
}

/* Tries enough: of one prompt that the server fails on, over which the others must not wait. Where no other was answered in the
 * meantime it may be the server: a few are left out so, then it is an end. */
static bool take_failure(void *context, int i, bool others, Err *err)
{
    Batch *b = context;
    const Demand *d = &b->demand[b->missing[i]];
    err_context(err, "%s", d->where);
    b->e->failed += !others;
    if (d->refused == REFUSED_FAILS && others)
        err_hint(err, "if it is this prompt alone, --skip-bad leaves its row out, where the command has it; what was "
                      "answered is stored");
    return d->refused != REFUSED_FAILS && b->e->failed < MOST_REFUSED && leave_out(b, i, err);
}

static bool take_status(void *context, int i, const HttpReply *reply, Err *err)
{
    return take_refusal(context, i, reply->status, reply->body, err);
}

static bool take_reply(void *context, int i, const HttpReply *reply, bool *again, Err *err)
{
    Batch *b = context;
    Endpoint *e = b->e;
    const Demand *d = &b->demand[b->missing[i]];
    EndpointKind kind = way_kind(&e->ways, d);
    json_t *said;
    ReplyUse use = endpoint_read(reply, d, kind, way_top(&e->ways, kind), &said, err);
    bool page = reply->body[strspn(reply->body, " \t\r\n")] == '<';
    *again = use == REPLY_AGAIN && (!page || e->requests + e->kept > 0 || e->pages++ < MOST_PAGES);
    if (use != REPLY_TAKEN)
        err_context(err, "%s", reply->from);
    if (use == REPLY_AGAIN)
        return *again ? false : err_context(err, "%s", d->where);
    if (use != REPLY_TAKEN)
        return take_refusal(b, i, 400, use == REPLY_FAILURE ? reply->body : "", err);
    count_reply(e, said);
    end_use(e, d);
    b->out[b->missing[i]] = said;
    char *key = key_of(e, d), *text = json_text(said);
    bool ok = store_answer_put(e->store, key, text, err);
    free(key);
    free(text);
    return ok;
}

/* Posts what is missing, or its first. Where the budget has room only once others are done, it is posted again. */
static bool post_missing(Batch *b, Err *err)
{
    Endpoint *e = b->e;
    char *url = url_of(e, way_kind(&e->ways, &b->demand[b->missing[0]]));
    HttpWork w = {.url = url,
                  .n = b->first ? 1 : b->n,
                  .context = b,
                  .body = give_body,
                  .use = take_reply,
                  .refused = take_status,
                  .given_up = take_failure};
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
        if (ok && !b->out[i] && b->demand[i].refused != REFUSED_FAILS && json_object_get(b->e->refused, key))
            b->out[i] = json_pack("{s:b}", "refused", true);
        if (ok && !b->out[i] && !json_object_get(wanted, key)) {
            b->missing[b->n++] = i;
            json_object_set_new(wanted, key, json_true());
        }
        free(key);
    }
    json_decref(wanted);
    return ok;
}

/* One request alone, in one way after the other, until the endpoint takes it. What it did not take in any teaches nothing. */
static bool find_way(Batch *b, Err *err)
{
    Endpoint *e = b->e;
    json_t *before = json_deep_copy(e->ways.found);
    bool ok;
    b->first = true;
    b->not_answered = false;
    do {
        b->other_way = false;
        ok = post_missing(b, err);
    } while (ok && b->other_way);
    b->first = false;
    bool found = ok && !b->not_answered;
    if (!found) {
        json_decref(e->ways.found);
        e->ways.found = json_incref(before);
    }
    json_decref(before);
    return ok && (!found || way_found(&e->ways, &b->demand[b->missing[0]], err));
}

bool endpoint_ask(Endpoint *e, const Demand *d, int n, json_t **out, Err *err)
{
    Batch b = {.e = e, .demand = d, .out = out, .missing = mem_alloc((size_t)n, sizeof *b.missing)};
    memset(out, 0, (size_t)n * sizeof *out);
    bool ok = find_missing(&b, n, err);
    while (ok && b.n > 0) {
        ok = way_is_known(&e->ways, &d[b.missing[0]]) ? post_missing(&b, err) : find_way(&b, err);
        ok = ok && find_missing(&b, n, err);
    }
    free(b.missing);
    return ok;
}
