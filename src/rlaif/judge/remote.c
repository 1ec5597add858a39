/* A judge behind an endpoint. An answer's probability is that of the returned tokens whose text, without blanks around it,
 * is the answer; of servers that write tokens as their tokenizer's pieces the text is read off them. What only begins an answer ("1" of "10") is asked for again with it behind the prompt, and so on. The
 * endpoint returns the most probable tokens alone: of an answer that is not among them it is known that it has at most the
 * least probability returned, and at most what all of them leave over. */
#include "rlaif/judge/remote.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/real.h"
#include "text/vocab.h"

#include <limits.h>

enum { ASCII_PER_TOKEN = 3 };        /* of English prose it is more than four, of numbers and names less */
static const double FOLLOWED = 1e-4, /* beginnings of answers with at least this probability are asked for again */
    TOO_LOOSE = 0.05, /* where a chat does not say which of two answers was begun, so much is a failure */
    LEAST = 1e-12;    /* of a probability whose logarithm is taken */

typedef struct Remote {
    Endpoint *endpoint;        /* borrowed */
    const JudgePrompt *prompt; /* borrowed from the judge */
    EndpointKind kind;
    Refused refused;
    json_t *about;
    json_t *planned;            /* keys of what remote_known was asked about */
    char *answer[MOST_ANSWERS]; /* without blanks around it */
} Remote;

/* --- text ----------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *after_blanks(const char *s)
{
    while (is_blank(*s))
        s++;
    return s;
}

static size_t without_blanks(const char *s)
{
    size_t n = strlen(s);
    while (n > 0 && is_blank(s[n - 1]))
        n--;
    return n;
}

/* The answer that this is, or -1. */
static int answer_of(const Remote *r, const char *text)
{
    const char *s = after_blanks(text);
    size_t n = without_blanks(s);
    for (int a = 0; a < r->prompt->answers && r->answer[a]; a++)
        if (n > 0 && strlen(r->answer[a]) == n && memcmp(r->answer[a], s, n) == 0)
            return a;
    return -1;
}

/* Does answer a go on after this? */
static bool begins(const Remote *r, const char *text, int a)
{
    const char *s = after_blanks(text);
    return s[0] && strlen(s) < strlen(r->answer[a]) && str_starts(r->answer[a], s);
}

/* Is it an answer, or the beginning of one? */
static bool is_of_answer(const Remote *r, const char *text)
{
    bool is = answer_of(r, text) >= 0;
    for (int a = 0; !is && a < r->prompt->answers; a++)
        is = begins(r, text, a);
    return is;
}

/* What a tokenizer's piece stands for: "Ġ1" (byte-level BPE) and "▁1" (SentencePiece) " 1", "<0x31>" "1"; any other text is
 * itself. The caller frees it. */
static char *piece_text(const char *token)
{
    static const char blank[] = "\xe2\x96\x81";
    Str s = {0};
    unsigned byte;
    int n = 0;
    if (sscanf(token, "<0x%2x>%n", &byte, &n) == 1 && n == 6 && !token[6] && byte > 0)
        str_addc(&s, (char)byte);
    else if (strstr(token, blank))
        for (const char *c = token; *c; c += str_starts(c, blank) ? strlen(blank) : 1)
            str_addc(&s, str_starts(c, blank) ? ' ' : *c);
    else
        alphabet_append_bytes(&s, token, strlen(token));
    return str_take(&s);
}

static bool is_utf8(const char *s)
{
    int n = 1;
    for (; *s && n > 0; s += n)
        n = str_utf8_length((const unsigned char *)s, strlen(s));
    return n > 0;
}

/* The text behind a prefix, as the token is written or, if only that is of an answer, as the piece that it is. The caller
 * frees it. */
static char *text_behind(const Remote *r, const char *prefix, const char *token)
{
    char *text = mem_printf("%s%s", prefix, token);
    if (is_of_answer(r, text))
        return text;
    char *piece = piece_text(token), *read = mem_printf("%s%s", prefix, piece);
    free(piece);
    bool better = is_of_answer(r, read);
    free(better ? text : read);
    return better ? read : text;
}

/* --- one prompt's answers ------------------------------------------------------------------------------- */

/* What is known of an item so far. */
typedef struct Tally {
    double p[MOST_ANSWERS];
    bool seen[MOST_ANSWERS];
    bool unsaid[MOST_ANSWERS]; /* a token of it was returned without a number */
    bool refused;
    double least, rest; /* of the first reply: its least probability; what it leaves over */
    /* The most that an answer may have besides: by beginnings that were not followed, and by what did not come back behind
     * those that were. */
    double begun[MOST_ANSWERS], behind[MOST_ANSWERS];
} Tally;

/* A beginning of answers behind the prompt of an item. */
typedef struct Node {
    int item;
    char *prefix; /* owned */
    double p;
    int owner; /* the longest answer that the prefix begins with or is; -1: none */
} Node;

typedef struct Nodes {
    Node *at;
    int n, cap;
} Nodes;

static void nodes_add(Nodes *list, Node node)
{
    list->at = MEM_GROW(list->at, list->n, list->cap);
    list->at[list->n++] = node;
}

static void nodes_release(Nodes *list)
{
    for (int i = 0; i < list->n; i++)
        free(list->at[i].prefix);
    free(list->at);
    *list = (Nodes){0};
}

/* One token behind a node: it ends an answer, begins one, or neither. */
static void use_token(const Remote *r, const Node *node, const char *text, double p, bool follow, Tally *t, Nodes *next)
{
    int a = answer_of(r, text), owner = a >= 0 ? a : node->owner;
    bool goes_on = false;
    follow = follow && p >= FOLLOWED && is_utf8(text); /* half a character cannot be sent */
    if (a >= 0) {
        t->p[a] += p;
        t->seen[a] = true;
        if (node->owner >= 0) /* what goes on to a longer answer is not the shorter one's */
            t->p[node->owner] -= p;
    }
    for (int b = 0; b < r->prompt->answers; b++) {
        bool longer = begins(r, text, b);
        goes_on = goes_on || longer;
        t->begun[b] += longer && !follow ? p : 0;
    }
    if (goes_on && follow)
        nodes_add(next, (Node){node->item, mem_str(text), p, owner});
}

/* A token without a number, which matters to the answers that it is or begins. */
static void use_unsaid(const Remote *r, const char *text, Tally *t)
{
    for (int a = 0; a < r->prompt->answers; a++)
        t->unsaid[a] = t->unsaid[a] || answer_of(r, text) == a || begins(r, text, a);
}

static void use_reply(const Remote *r, const Node *node, const json_t *said, Tally *t, Nodes *next)
{
    const json_t *top = json_object_get(said, "top"), *one;
    bool follow = strcmp(json_text_of(said, "kind"), "completions") == 0;
    double sum = 0, least = 1;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)top, i, one)
    {
        const json_t *logp = json_array_get(one, 1);
        double p = json_is_number(logp) ? real_exp(json_number_value(logp)) : 0;
        char *text = text_behind(r, node->prefix, json_string_value(json_array_get(one, 0)));
        sum += p;
        least = p > 0 && p < least ? p : least; /* impossible ones are no bound of what is not returned */
        if (json_is_number(logp))
            use_token(r, node, text, node->p * p, follow, t, next);
        else
            use_unsaid(r, text, t);
        free(text);
    }
    double rest = sum < 1 ? 1 - sum : 0, most = least < rest ? least : rest;
    if (!node->prefix[0]) {
        t->least = least;
        t->rest = rest;
        return;
    }
    for (int b = 0; b < r->prompt->answers; b++)
        t->behind[b] += begins(r, node->prefix, b) ? node->p * most : 0;
}

/* An answer that was not seen stands with the most that it and all others like it may have together. One that was seen is a
 * token here, or was followed: what only begins it is another word. */
static bool settle(const Remote *r, const Tally *t, const char *where, Verdict *v, Err *err)
{
    int answers = r->prompt->answers, absent = 0;
    for (int a = 0; a < answers; a++)
        absent += !t->seen[a];
    v->mass = 0;
    v->absent = 0;
    v->missing = t->rest;
    for (int a = 0; a < answers; a++) {
        double p = t->p[a], share = absent ? t->rest / absent : 0, begun = t->seen[a] ? 0 : t->begun[a];
        v->missing += t->behind[a] + begun;
        v->mass += p > 0 ? p : 0;
        if (!t->seen[a]) {
            p = (share < t->least ? share : t->least) + t->behind[a] + begun;
            v->absent |= 1U << a;
        }
        v->logp[a] = real_log(p > LEAST ? p : LEAST);
        if (!t->seen[a] && t->unsaid[a])
            return err_set(err, ERR_INPUT, "%s: the endpoint gives no number as the log-probability of \"%s\"", where,
                           r->answer[a]),
                   err_hint(err,
                            "judgments need one of every answer; --skip-bad leaves such rows out, where the command "
                            "has it");
        if (begun <= TOO_LOOSE)
            continue;
        err_set(
            err, ERR_INPUT,
            "%s: the endpoint begins the answer \"%s\" with a probability of %.2f, and a chat does not say how it goes on",
            where, r->answer[a], begun);
        return err_hint(err, "use --endpoint-kind completions, or a prompt whose answers are one token each");
    }
    v->missing = v->missing < 1 ? v->missing : 1;
    return true;
}

/* --- the backend ---------------------------------------------------------------------------------------- */

static Demand demand_of(const Remote *r, const Asked *a, const char *more)
{
    return (Demand){.where = a->where,
                    .system = r->prompt->system,
                    .text = mem_printf("%s%s%s", a->body, a->ending, more),
                    .kind = r->kind,
                    .refused = r->refused,
                    .stop = ""};
}

/* What is asked for where no text is wanted: of a contrast the response's tokens. Free its text. */
static Demand demand_of_numbers(const Remote *r, const Asked *a, const char *more)
{
    Demand d = demand_of(r, a, more);
    d.given = r->prompt->kind == JUDGE_CONTRAST;
    d.last = (int)strlen(a->ending);
    d.next = !d.given;
    return d;
}

/* Asks for what follows every node; `next` are the beginnings that this shows. */
static bool ask_nodes(const Remote *r, const Asked *a, const Nodes *now, Tally *t, Verdict *out, Nodes *next, Err *err)
{
    Demand *d = mem_alloc((size_t)now->n, sizeof *d);
    json_t **said = mem_zalloc((size_t)now->n, sizeof(json_t *));
    for (int i = 0; i < now->n; i++) {
        d[i] = demand_of_numbers(r, &a[now->at[i].item], now->at[i].prefix);
    }
    bool ok = endpoint_ask(r->endpoint, d, now->n, said, err);
    for (int i = 0; i < now->n; i++) {
        if (ok && json_object_get(said[i], "refused")) {
            t[now->at[i].item].refused = true;
        } else if (ok) {
            use_reply(r, &now->at[i], said[i], &t[now->at[i].item], next);
            out[now->at[i].item].tokens += (int)json_number_of(said[i], "read", 0);
        }
        json_decref(said[i]);
        free(d[i].text);
    }
    free(said);
    free(d);
    return ok;
}

/* Of what was answered without what is needed. */
static bool leave_out(const Remote *r, Verdict *v, Err *err)
{
    if (r->refused == REFUSED_FAILS)
        return false;
    log_warn("%s; it is left out", err->msg);
    err_clear(err);
    v->refused = true;
    return true;
}

static bool remote_answer(void *self, const Asked *a, int n, Verdict *out, Err *err)
{
    const Remote *r = self;
    Tally *t = mem_zalloc((size_t)n, sizeof *t);
    Nodes now = {0};
    bool ok = true;
    for (int i = 0; i < n; i++) {
        nodes_add(&now, (Node){i, mem_str(""), 1, -1});
        out[i].tokens = 0;
    }
    while (ok && now.n > 0) {
        Nodes next = {0};
        ok = ask_nodes(r, a, &now, t, out, &next, err);
        nodes_release(&now);
        now = next;
    }
    nodes_release(&now);
    for (int i = 0; ok && i < n; i++) {
        out[i].refused = t[i].refused;
        ok = t[i].refused || settle(r, &t[i], a[i].where, &out[i], err) || leave_out(r, &out[i], err);
    }
    free(t);
    return ok;
}

static bool remote_read(void *self, const Asked *a, int n, Given *out, Err *err)
{
    const Remote *r = self;
    Demand *d = mem_alloc((size_t)n, sizeof *d);
    json_t **said = mem_zalloc((size_t)n, sizeof(json_t *));
    for (int i = 0; i < n; i++)
        d[i] = demand_of_numbers(r, &a[i], "");
    bool ok = endpoint_ask(r->endpoint, d, n, said, err);
    for (int i = 0; i < n; i++) {
        const json_t *given = json_object_get(said[i], "given");
        if (ok) {
            out[i] = (Given){.n = (int)json_array_size(given),
                             .tokens = (int)json_number_of(said[i], "read", 0),
                             .refused = json_object_get(said[i], "refused") != NULL};
            out[i].logp = mem_alloc((size_t)out[i].n, sizeof(double));
            for (int t = 0; t < out[i].n; t++)
                out[i].logp[t] = json_number_value(json_array_get(given, (size_t)t));
        }
        json_decref(said[i]);
        free(d[i].text);
    }
    free(said);
    free(d);
    return ok;
}

/* What continues a prompt. Free its text. */
static Demand demand_of_text(const Remote *r, const Asked *a, RngKey key, const Sampling *how, const char *stop)
{
    Demand d = demand_of(r, a, "");
    d.max_tokens = how->max_new_tokens;
    d.temperature = how->greedy ? 0 : how->temperature;
    d.top_k = how->top_k;
    d.seed = (int)rng_below(key, 0, INT_MAX);
    d.stop = stop;
    return d;
}

static bool remote_write(void *self, const Asked *a, int n, const RngKey *key, const Sampling *how, const char *stop,
                         char **text, TokenCount *tokens, Err *err)
{
    const Remote *r = self;
    Demand *d = mem_alloc((size_t)n, sizeof *d);
    json_t **said = mem_zalloc((size_t)n, sizeof(json_t *));
    for (int i = 0; i < n; i++)
        d[i] = demand_of_text(r, &a[i], key[i], how, stop);
    bool ok = endpoint_ask(r->endpoint, d, n, said, err);
    for (int i = 0; i < n; i++) {
        if (ok && !json_object_get(said[i], "refused")) {
            text[i] = mem_str(json_text_of(said[i], "text"));
            tokens[i] = (TokenCount){(int)json_number_of(said[i], "read", 0), (int)json_number_of(said[i], "wrote", 0)};
        }
        json_decref(said[i]);
        free(d[i].text);
    }
    free(said);
    free(d);
    return ok;
}

/* Thirds of a token, at most about: of what is no ASCII every byte may be one. */
static size_t thirds_of(const char *s)
{
    size_t thirds = 0;
    for (; *s; s++)
        thirds += (unsigned char)*s < 0x80 ? 1 : ASCII_PER_TOKEN;
    return thirds;
}

/* Its tokenizer is not known: of the text alone, so that what is cut depends on nothing else. */
static bool remote_measure(void *self, const Asked *a, int n, int *tokens, Err *err)
{
    const Remote *r = self;
    (void)err;
    for (int i = 0; i < n; i++)
        tokens[i] =
            (int)((thirds_of(r->prompt->system) + thirds_of(a[i].body) + thirds_of(a[i].ending)) / ASCII_PER_TOKEN) + 1;
    return true;
}

static bool remote_known(void *self, const Asked *a, int n, const RngKey *key, const Sampling *how, const char *stop,
                         bool *known, char **text, Err *err)
{
    Remote *r = self;
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        Demand d = key ? demand_of_text(r, &a[i], key[i], how, stop) : demand_of_numbers(r, &a[i], "");
        char *name;
        json_t *said;
        ok = endpoint_find(r->endpoint, &d, &name, &said, err);
        known[i] = said || json_object_get(r->planned, name);
        if (key && said)
            text[i] = mem_str(json_text_of(said, "text"));
        json_object_set_new(r->planned, name, json_true());
        json_decref(said);
        free(name);
        free(d.text);
    }
    return ok;
}

static int remote_context(const void *self)
{
    (void)self;
    return INT_MAX / 2;
}

/* What is sent: with chat the system's message, and the user's. */
static bool remote_show(void *self, const Asked *a, Str *out, Err *err)
{
    const Remote *r = self;
    (void)err;
    if (r->prompt->system[0] && endpoint_chats(r->endpoint, r->kind))
        str_addf(out, "%s\n\n", r->prompt->system);
    str_addf(out, "%s%s", a->body, a->ending);
    return true;
}

static ScorerCost remote_cost(const void *self)
{
    (void)self;
    return (ScorerCost){0};
}

static const json_t *remote_about(const void *self)
{
    const Remote *r = self;
    return r->about;
}

static void remote_free(void *self)
{
    Remote *r = self;
    for (int a = 0; a < MOST_ANSWERS; a++)
        free(r->answer[a]);
    json_decref(r->about);
    json_decref(r->planned);
    free(r);
}

/* As the user says, else as the prompt does. */
static bool choose_kind(const Judge *j, const EndpointOptions *o, EndpointKind *kind, Err *err)
{
    ChatMode said = (ChatMode)j->options.chat, mode = said == CHAT_AUTO ? j->prompt->chat : said;
    *kind = o->kind != ENDPOINT_AUTO ? (EndpointKind)o->kind
            : mode == CHAT_TRUE      ? ENDPOINT_CHAT
            : mode == CHAT_FALSE     ? ENDPOINT_COMPLETIONS
                                     : ENDPOINT_AUTO;
    if (said == CHAT_AUTO || (said == CHAT_TRUE) == (*kind == ENDPOINT_CHAT))
        return true;
    err_set(err, ERR_INPUT, "--chat %s does not go with --endpoint-kind %s", said == CHAT_TRUE ? "true" : "false",
            *kind == ENDPOINT_CHAT ? "chat" : "completions");
    return err_hint(
        err, "completions read the text as it is, chat puts it into the user's message: leave one of the two out");
}

bool judge_remote_open(Judge *j, Endpoint *endpoint, const EndpointOptions *o, Err *err)
{
    static const JudgeBackend backend = {.answer = remote_answer,
                                         .write = remote_write,
                                         .read = remote_read,
                                         .measure = remote_measure,
                                         .known = remote_known,
                                         .context = remote_context,
                                         .cost = remote_cost,
                                         .free = remote_free,
                                         .show = remote_show,
                                         .about = remote_about};
    const JudgePrompt *p = j->prompt;
    Remote *r = mem_zalloc(1, sizeof *r);
    r->endpoint = endpoint;
    r->refused = j->options.refused;
    r->prompt = p;
    r->planned = json_object();
    j->backend = &backend;
    j->self = r;
    for (int a = 0; a < p->answers; a++) {
        const char *s = after_blanks(p->answer[a]);
        r->answer[a] = mem_strn(s, without_blanks(s));
        if (!r->answer[a][0] || answer_of(r, r->answer[a]) < a)
            return err_set(err, ERR_INPUT, "the prompt %s: answer %d is blank, or like another but for blanks", p->name,
                           a + 1),
                   err_hint(err, "an endpoint's tokens are told apart by their text without blanks");
    }
    if (!endpoint_about(o, &r->about, err) || !choose_kind(j, o, &r->kind, err))
        return false;
    if (p->kind != JUDGE_CONTRAST || r->kind != ENDPOINT_CHAT)
        return true;
    err_set(err, ERR_INPUT,
            "the prompt %s is a contrast, and a chat gives no log-probabilities of a text that it is sent", p->name);
    return err_hint(err, "use --endpoint-kind completions, of a server that echoes, or a model here");
}
