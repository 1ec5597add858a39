/* The turns of a conversation as rows hold them. */
#ifndef RLAIF_TURNS_H
#define RLAIF_TURNS_H

#include "base/json.h"

/* Reads a list of turns into one of its own, in which every content is a text: a list of text parts is joined. The caller
 * releases it. Fails, naming the turn, where one has no role or no text; `name` is the field that holds the list. */
bool turns_read(const json_t *turns, const char *name, json_t **out, Err *err) MUST_CHECK;

#endif
