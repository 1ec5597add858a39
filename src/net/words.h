/* What a server's reply says, for people. */
#ifndef NET_WORDS_H
#define NET_WORDS_H

#include "base/json.h"

/* What a server's JSON says of its failure, borrowed, or NULL. */
const char *http_error_words(const json_t *reply);
/* The beginning of a body for people: of HTML its text, without line ends. */
void http_body_words(const char *body, char *out, size_t size);

#endif
