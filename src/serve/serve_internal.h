/* What the files of the server share. */
#ifndef SERVE_SERVE_INTERNAL_H
#define SERVE_SERVE_INTERNAL_H

#include "serve/listener.h"
#include "serve/pages.h"
#include "serve/serve.h"

struct Site {
    const ServeOptions *options;
    Listener *listener;
    char *store_path, *title;
    RatingItems items[RATING_KINDS_N]; /* as the pages had them last; n 0: not yet */
};

/* What answers one kind of request; `work` has the run's store. A failure becomes an answer of its own. */
typedef bool RouteAnswer(Site *s, Work *work, const Request *request, Reply *out, Err *err);

RouteAnswer dashboard_page, samples_page;        /* dashboard.c, samples.c */
RouteAnswer rate_page, get_ratings, post_rating; /* ratings.c */

#endif
