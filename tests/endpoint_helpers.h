/* What tests of judges elsewhere share: an endpoint whose judge is planted, well or faulty. */
#ifndef TESTS_RLAIF_ENDPOINT_HELPERS_H
#define TESTS_RLAIF_ENDPOINT_HELPERS_H

#include "base/mem.h"
#include "base/real.h"
#include "server.h"

/* An endpoint for prompts whose last bars are "context|first|second\n": its judge says "1" of the shorter first response with
 * the probability `shorter`. What it writes is `writes`. */
typedef struct Endpointed {
    double shorter;
    int no_completions; /* this status there; 0: they are offered */
    bool newer;         /* completions give log-probabilities in the form of chats */
    int most_top;       /* more log-probabilities are refused; 0: all are given */
    const char *writes;
    double rate;                     /* tokens of a byte that it reads; 0: a quarter */
    double late;                     /* seconds that it takes to answer */
    int fail_from, failures, status; /* requests from this one on, so many, get this status, */
    ServerCut cut;                   /* or are cut, */
    double wait;                     /* or late, */
    const char *body;                /* or get this; NULL: nothing of it */
    int asked, chats, written;       /* requests that were answered well; those by chat; for a text */
    int tokens;                      /* that it read and wrote */
    int top, max_tokens;             /* of the last one */
    double temperature;
    char *last;     /* the last prompt */
    json_t *times;  /* how often each prompt was answered; NULL: not counted */
    bool wrong_key; /* a request came without "Bearer sk-planted-0123456789" */
} Endpointed;

static const char PLANTED_KEY[] = "sk-planted-0123456789";

/* P("1"): of the last "context|first|second" line. */
static inline double planted_probability(const Endpointed *e, const char *text)
{
    const char *bar = strrchr(text, '|'), *first = bar - 1;
    while (*first != '|')
        first--;
    long a = bar - first - 1, b = (long)strcspn(bar + 1, "\n");
    return a < b ? e->shorter : a > b ? 1 - e->shorter : 0.5;
}

static inline void add_probable(json_t *list, const char *token, double p)
{
    json_array_append_new(list, json_pack("{s:s, s:f}", "token", token, "logprob", real_log(p)));
}

/* Both answers with and without a blank, and other words: 0.9 of the probability falls on the answers, 0.03 on what is not
 * returned. */
static inline json_t *planted_tokens(double p)
{
    json_t *list = json_array();
    add_probable(list, "2", 0.6 * (1 - p));
    add_probable(list, "1", 0.6 * p);
    add_probable(list, " 1", 0.3 * p);
    add_probable(list, " 2", 0.3 * (1 - p));
    add_probable(list, "\n", 0.05);
    add_probable(list, "The", 0.02);
    return list;
}

static inline json_t *tokens_as_object(const json_t *list)
{
    json_t *object = json_object(), *one;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, one)
        json_object_set(object, json_string_value(json_object_get(one, "token")), json_object_get(one, "logprob"));
    return object;
}

/* A whole reply with these tokens, which it takes over, or with a text. */
static inline char *endpoint_reply(json_t *tokens, const char *text, bool chat, bool newer, int read)
{
    json_t *choice = chat ? json_pack("{s:{s:s, s:s}}", "message", "role", "assistant", "content", text)
                          : json_pack("{s:s}", "text", text);
    if (tokens && (chat || newer))
        json_object_set_new(choice, "logprobs", json_pack("{s:[{s:O}]}", "content", "top_logprobs", tokens));
    else if (tokens)
        json_object_set_new(choice, "logprobs", json_pack("{s:[o]}", "top_logprobs", tokens_as_object(tokens)));
    json_t *reply = json_pack("{s:[o], s:{s:i, s:i}}", "choices", choice, "usage", "prompt_tokens", read,
                              "completion_tokens", tokens ? 1 : (int)strlen(text) / 4 + 1);
    char *out = json_text(reply);
    json_decref(reply);
    json_decref(tokens);
    return out;
}

static inline bool planted_fault(const Endpointed *e, int number, ServerReply *r)
{
    if (number < e->fail_from || number >= e->fail_from + e->failures)
        return false;
    r->status = e->status;
    r->cut = e->cut;
    r->wait = e->wait;
    r->body = mem_str(e->body ? e->body : "{\"a long\": \"enough body\"}");
    return true;
}

static inline void note_prompt(Endpointed *e, const json_t *body, const char *text)
{
    free(e->last);
    e->last = mem_str(text);
    e->max_tokens = (int)json_number_of(body, "max_tokens", -1);
    e->temperature = json_number_of(body, "temperature", -1);
    if (e->times)
        json_object_set_new(e->times, text, json_integer((json_int_t)json_number_of(e->times, text, 0) + 1));
}

/* What a server says of a given text whose tokens are its words, each with the blank before it: behind a text that begins with
 * "Good" words of at most three letters have half a nat more than behind another, longer ones half a nat less. Before them
 * stands a token that is no text of the prompt, behind them one that was written. */
static inline char *echoed_words(const char *text)
{
    bool good = str_starts(text, "Good");
    json_t *tokens = json_pack("[s]", "<s>"), *logp = json_pack("[n]"), *offset = json_pack("[i]", 0);
    int at = 3;
    for (const char *c = text; *c;) {
        size_t n = 1 + strcspn(c + 1, " ");
        char *token = mem_strn(c, n);
        json_array_append_new(tokens, json_take_text(token));
        json_array_append_new(logp, json_real(-2 + (!good ? 0 : n <= 4 ? 0.5 : -0.5)));
        json_array_append_new(offset, json_integer(at));
        for (; n > 0; n--, c++) /* characters */
            at += (*c & 0xC0) != 0x80;
    }
    int n = (int)json_array_size(tokens);
    json_array_append_new(tokens, json_string(" then"));
    json_array_append_new(logp, json_real(-1));
    json_array_append_new(offset, json_integer(at));
    json_t *reply =
        json_pack("{s:[{s:s, s:{s:o, s:o, s:o}}], s:{s:i, s:i}}", "choices", "text", text, "logprobs", "tokens", tokens,
                  "token_logprobs", logp, "text_offset", offset, "usage", "prompt_tokens", n, "completion_tokens", 1);
    char *out = json_text(reply);
    json_decref(reply);
    return out;
}

/* ServerAnswer. */
static inline void planted_endpoint(void *context, const ServerRequest *q, ServerReply *r)
{
    Endpointed *e = context;
    json_t *body;
    Err err = {0};
    bool chat = str_ends(q->path, "/chat/completions");
    e->wrong_key = e->wrong_key || !q->authorization || strcmp(q->authorization, "Bearer sk-planted-0123456789") != 0;
    if (!chat && e->no_completions) {
        r->status = e->no_completions;
        r->body = mem_str("{\"detail\": \"Not Found\"}");
        return;
    }
    if (planted_fault(e, q->number, r))
        return;
    if (!json_parse(q->body, strlen(q->body), "a request", &body, &err)) {
        r->status = 400;
        r->body = mem_str("{\"error\": \"that is no JSON\"}");
        return;
    }
    const json_t *messages = json_object_get(body, "messages"), *logprobs = json_object_get(body, "logprobs");
    const char *text = chat ? json_text_of(json_array_get(messages, json_array_size(messages) - 1), "content")
                            : json_text_of(body, "prompt");
    e->top = (int)json_number_of(body, chat ? "top_logprobs" : "logprobs", 0);
    if (json_bool_of(body, "echo", false)) {
        note_prompt(e, body, text);
        e->asked++;
        r->body = echoed_words(text);
    } else if (e->most_top > 0 && e->top > e->most_top) {
        r->status = 400;
        r->body = mem_str("{\"error\": {\"message\": \"logprobs is too large\"}}");
    } else {
        note_prompt(e, body, text);
        e->asked++;
        e->chats += chat;
        e->written += !logprobs;
        int read = (int)((double)strlen(text) * (e->rate > 0 ? e->rate : 0.25));
        r->wait = e->late;
        e->tokens += read + (logprobs ? 1 : (int)strlen(e->writes) / 4 + 1);
        r->body = logprobs ? endpoint_reply(planted_tokens(planted_probability(e, text)), "1", chat, e->newer, read)
                           : endpoint_reply(NULL, e->writes, chat, e->newer, read);
    }
    json_decref(body);
}

static inline void endpointed_release(Endpointed *e)
{
    free(e->last);
    json_decref(e->times);
}

#endif
