/* What a response answers: a text, or the turns of a conversation. */
#ifndef RLAIF_ROWS_CONTEXT_H
#define RLAIF_ROWS_CONTEXT_H

#include "base/json.h"

typedef struct Context {
    char *text;    /* owned; NULL: turns */
    json_t *turns; /* [{"role", "content"}], owned; NULL: text */
    char
        *plain; /* of an HH transcript: its own text up to where the reply begins, for models without chat; else NULL */
} Context;

/* Reads what a row's field `name` holds: a text, which may be an HH transcript that waits for a reply, or turns. */
bool context_read(const json_t *value, const char *name, Context *out, Err *err) MUST_CHECK;
/* Are they the same conversation? A text is one turn of the user. */
bool context_same(const Context *a, const Context *b);
/* A copy of its own, for instance to be cut. */
Context context_copy(const Context *c);
void context_release(Context *c);

/* The turns of a context: a text is one turn of the user. The caller releases the list. */
json_t *context_turns(const Context *c);
/* As models without chat read it: a text as it is, turns as "\n\nHuman: ...\n\nAssistant:" in the form of HH's transcripts, which
 * stay as they are. The caller frees it. */
char *context_plain(const Context *c);
/* As a row's `prompt` holds it so that it is that text again: the turns, or of a transcript that they do not give, its text. The
 * caller releases it. */
json_t *context_exact(const Context *c);
/* Does a blank stand between a context and a reply to it without chat, where the row does not say? Behind "Assistant:", unless
 * the text begins with a blank itself. */
bool blank_before(const Context *c, const char *text);
/* As judges read it: a text as it is, turns as lines "Human: ..." and "Assistant: ...". The caller frees it.
 */
char *context_lines(const Context *c);
/* As a row's `prompt` holds it: a text, or a list of turns. The caller releases it. */
json_t *context_json(const Context *c);
/* Characters (code points) of a text; lengths are counted in them. */
int text_characters(const char *text);

/* Do the turns of `a` stand in `b` from a place on? */
bool turns_stand_at(const json_t *a, const json_t *b, size_t at);

#endif
