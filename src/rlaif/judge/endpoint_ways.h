/* How an endpoint wants to be asked, as it is found out. */
#ifndef RLAIF_JUDGE_ENDPOINT_WAYS_H
#define RLAIF_JUDGE_ENDPOINT_WAYS_H

#include "rlaif/judge/demand.h"
#include "store/store.h"

typedef struct Ways {
    Store *store;        /* borrowed, as are */
    const json_t *about; /* endpoint_about, and */
    const int *top;      /* the option: log-probabilities that are asked for, where it gives so many */
    /* {"kind": what auto is; "completions", "chat": how many log-probabilities it gives; "completions text", "chat text": true,
     * once it wrote one; "given": the same of a text that it is sent; "without": [parameters it does not take]} */
    json_t *found;
    char *key; /* of these in the store */
} Ways;

/* SHA-256 of two texts; the caller frees it. */
char *endpoint_hash(const char *what, const char *text);

/* Found out in an earlier call, or nothing. Release it whether it fails or not. */
bool ways_load(Ways *w, Store *store, const json_t *about, const int *top, Err *err) MUST_CHECK;
void ways_release(Ways *w);
/* Do prompts of this kind go out as chat, as far as is known by now? */
bool way_chats(const Ways *w, EndpointKind kind);
EndpointKind way_kind(const Ways *w, const Demand *d);
int way_top(const Ways *w, EndpointKind kind);
/* Has it been asked in this way before, and given what was wanted? */
bool way_is_known(const Ways *w, const Demand *d);
/* It gave what was wanted: remembered. */
bool way_found(Ways *w, const Demand *d, Err *err) MUST_CHECK;
/* Was it the way of asking that was refused? Then the next one is taken, until way_found for this alone; false where there is
 * none. Each is less than the one before, so that this ends. */
bool way_change(Ways *w, const Demand *d, int status, const char *body);

#endif
