/* The pages: HTML that loads nothing, with a Content-Security-Policy that allows its own style and script by their
 * hashes and nothing else. */
#ifndef SERVE_PAGES_H
#define SERVE_PAGES_H

#include "rlaif/import/rating_items.h"
#include "serve/listener.h"

/* The page on which people rate, with what it may know of the items. Served with a token, or NULL: it stands alone in a
 * file, keeps ratings in the browser and gives them as a download. `question` NULL: the kind's own. */
void rating_page(Str *out, const RatingItems *items, const char *question, const char *token);
/* What the served page may do. */
void rating_policy(char out[LISTENER_POLICY]);

/* A page without a script: head, navigation back to the dashboard where `home`, and its end. */
void plain_page_begin(Str *out, const char *title, bool home);
void plain_page_end(Str *out);
void plain_policy(char out[LISTENER_POLICY]);
/* The dashboard asks for what is new by a script of its own. */
void dashboard_policy(char out[LISTENER_POLICY]);
void dashboard_script(Str *out);
/* A text as the value of a link's argument: what is no letter, digit or one of -._ as %XX. */
void link_argument(Str *out, const char *text);

#endif
