/* What is asked of an endpoint. */
#ifndef RLAIF_JUDGE_DEMAND_H
#define RLAIF_JUDGE_DEMAND_H

#include <stdbool.h>

/* How prompts go out. */
typedef enum EndpointKind {
    ENDPOINT_AUTO,        /* as completions, if the server offers them */
    ENDPOINT_COMPLETIONS, /* as a text that goes on */
    ENDPOINT_CHAT         /* as the user's message */
} EndpointKind;
#define ENDPOINT_KINDS "auto|completions|chat"

/* What becomes of a prompt that an endpoint will never answer: a content filter takes it, it is too long there. */
typedef enum Refused {
    REFUSED_FAILS,
    REFUSED_TOLD, /* the others are asked all the same; another call asks for it again */
    REFUSED_KEPT  /* the same, but it is stored as any answer: what is made of it must come out the same again */
} Refused;

/* One prompt. */
typedef struct Demand {
    const char *where;  /* begins the messages about it */
    const char *system; /* with chat: the system's message; "": none */
    char *text;         /* the prompt; with chat the user's message */
    EndpointKind kind;
    bool next;  /* the next token's log-probabilities are wanted, no text */
    bool given; /* those of the tokens of the prompt's last `last` bytes are wanted */
    int last;
    Refused refused;
    int max_tokens; /* of a text, */
    double temperature;
    int top_k, seed; /* sent where the temperature is above 0; top_k 0: not sent */
    const char *stop;
} Demand;

#endif
