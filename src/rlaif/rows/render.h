/* Rows as the ids that a model reads. */
#ifndef RLAIF_ROWS_RENDER_H
#define RLAIF_ROWS_RENDER_H

#include "model/model.h"
#include "rlaif/rows/rows.h"

/* --chat: through the model's chat template, as it stands, or whichever the model suggests. */
typedef enum ChatMode { CHAT_AUTO, CHAT_TRUE, CHAT_FALSE } ChatMode;
#define CHAT_MODES "auto|true|false"

/* Does this model read rows as chat? Fails where chat is asked for and the model has no template,
 * or one that cannot be read. */
bool render_chat(const Model *m, ChatMode mode, bool *chat, Err *err) MUST_CHECK;

/* BOS if the model's sequences begin with it. */
void render_begin(const Model *m, Ids *out);

/* What stands before a response: BOS where due, the context, and with chat the opening of the assistant's
 * turn; without chat context_plain. */
bool render_context(const Model *m, const Context *c, bool chat, Ids *out, Err *err) MUST_CHECK;

/* BOS where due and a text without control tokens. Like all that render a prompt, it fails where that has no token. */
bool render_plain(const Model *m, const char *text, Ids *out, Err *err) MUST_CHECK;

/* A text as it stands, in which control tokens count; BOS once, even where the text begins with it. */
bool render_raw(const Model *m, const char *text, Ids *out, Err *err) MUST_CHECK;

/* The token by which a response ends, if it ended and there is one: with chat what the template writes behind a reply, else EOS. */
void render_end(const Model *m, bool chat, bool ended, Ids *out);

/* A response alone: its text's ids and, if it ended, the end-of-turn token. */
bool render_response(const Model *m, const char *text, bool chat, bool ended, Ids *out, Err *err) MUST_CHECK;

/* The same of a row's response, which without chat may begin with a blank. */
bool render_reply(const Model *m, const ResponseView *r, bool chat, Ids *out, Err *err) MUST_CHECK;

/* Context and response: the ids of the context as a policy reads it, then those that it draws where it writes the response
 * and ends. *from is where these begin. With chat and Model.whole_chats: what the template makes of both, of which nothing is
 * a policy's, up to the last token that is no padding; whether the response ended makes no difference. */
bool render_whole(const Model *m, const RowView *v, int response, bool chat, Ids *out, int *from, Err *err) MUST_CHECK;

/* Fails where n tokens exceed the context of the model, or `most` where that is not 0. */
bool render_fits(const Model *m, int n, int most, Err *err) MUST_CHECK;

/* Through the chat template: messages, an optional system message before them, then `ending` glued to what
 * opens the assistant's turn; one text, encoded at once. Text of messages cannot act as control tokens. */
bool render_chat_text(const Model *m, const json_t *messages, const char *ending, Ids *out, Err *err) MUST_CHECK;

#endif
