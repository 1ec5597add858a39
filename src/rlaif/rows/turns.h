/* The turns of a conversation as rows hold them. */
#ifndef RLAIF_ROWS_TURNS_H
#define RLAIF_ROWS_TURNS_H

#include "base/json.h"

/* Reads a list of turns, {"role", "content"} or ShareGPT's {"from", "value"}, into one of its own with the former's names. Every
 * role is system, user, assistant or tool (`human` and `gpt` become user and assistant), every content a text: a list of
 * text parts is joined. A field that is null is left out. The caller releases the list. Fails, naming the turn, where one has
 * another role or no text; `name` is the field that holds the list. */
bool turns_read(const json_t *turns, const char *name, json_t **out, Err *err) MUST_CHECK;

/* Fails where a text is a list of turns as json.dumps of Python or str write it: what was meant are the turns. */
bool turns_are_no_text(const char *text, const char *name, Err *err) MUST_CHECK;

/* What a judge reads before the text of such a turn: System, Human, Assistant or Tool. */
const char *turn_speaker(const json_t *turn);

#endif
