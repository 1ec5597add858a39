/* HH transcripts: "\n\nHuman: ...\n\nAssistant: ...", a conversation in one text. */
#ifndef RLAIF_ROWS_TRANSCRIPT_H
#define RLAIF_ROWS_TRANSCRIPT_H

#include "base/json.h"

/* What opens the assistant's turn. */
#define TRANSCRIPT_ASSISTANT "\n\nAssistant:"

bool transcript_is(const char *text);

/* Splits one into the turns before its last reply and that reply, which begins behind its "Assistant:" and is NULL where the
 * last turn is the human's. The caller releases the turns. */
void transcript_split(const char *text, json_t **turns, const char **reply);

/* Is its last turn the assistant's? */
bool transcript_is_answered(const char *text);

/* Splits two that differ in their last replies alone. A reply that goes on to write further turns is one reply all the same: both
 * begin behind the last "Assistant:" that the two share. False where they are not replies to one conversation. */
bool transcript_split_pair(const char *const text[2], json_t **turns, const char *reply[2]);

/* The turns of a prompt that is a transcript which waits for the assistant's reply; NULL: it is none. */
json_t *transcript_prompt(const char *text);

#endif
