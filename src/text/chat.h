/* Chat templates: a model's own Jinja template, rendered by a small interpreter (jinja.h).
 *
 * The text is that of transformers' apply_chat_template without tools: the same language (Jinja2's immutable
 * sandbox, trim_blocks, lstrip_blocks, loop controls, the `generation` tag) and the same variables: messages,
 * add_generation_prompt, bos_token, eos_token and the other special tokens, and tools and documents, which are none.
 *
 * What the interpreter does not support (an unknown filter, test, tag or function) is an error that names the
 * construct and its line, found when the template is read wherever possible: never a wrong prompt. An unknown filter or
 * test behind an `if` (`from_json`, which some templates have for the calls of tools) fails only where it is reached, as in
 * Jinja. A template that
 * cannot be read fails when it is used; a model is of use without its template, too. strftime_now tells the day that
 * the caller gives, at midnight: a prompt must not depend on the day it is made. */
#ifndef TEXT_CHAT_H
#define TEXT_CHAT_H

#include "text/jinja/taint.h"

#include <jansson.h>

typedef struct ChatTemplate ChatTemplate;

/* The day that strftime_now tells where no other is given: the one that Llama 3.2's template has for such a case. */
enum { CHAT_DATE = 20240726 };
#define CHAT_DATE_TEXT "2024-07-26"

/* Reads a template; `bos` and `eos` are what {{ bos_token }} and {{ eos_token }} give (NULL: ""). `more` (copied; may be NULL) is
 * an object of further variables, the rest of transformers' special_tokens_map: pad_token and the like, texts or lists of
 * texts. */
ChatTemplate *chat_template_new(const char *source, const char *bos, const char *eos, const json_t *more);
/* Fails, as every rendering would, where the template could not be read. */
bool chat_template_check(const ChatTemplate *t, Err *err) MUST_CHECK;
void chat_template_free(ChatTemplate *t); /* accepts NULL */

/* Appends the rendered text of a list of {"role": ..., "content": ...} objects. What comes from them is tainted,
 * whatever the template makes of it; but for the names of the roles that there are, which a template may build its
 * control tokens of ("<|" + role + "|>"). `date` is 20240726 for 2024-07-26, and 0 for CHAT_DATE. Fails, and appends nothing, where the template raises an exception, meets a value that it cannot use, or
 * exceeds a limit (steps, nesting, 64 MB of text). A template may be rendered by several threads at once. */
bool chat_render(const ChatTemplate *t, const json_t *messages, bool add_generation_prompt, int date, Tainted *out,
                 Err *err) MUST_CHECK;

/* The template's text as it was given. */
const char *chat_template_source(const ChatTemplate *t);

#endif
