/* A run that is served, as its pages have it, and the pages: serve.c has the table of their addresses. */
#ifndef SERVE_SITE_H
#define SERVE_SITE_H

#include "rlaif/import/rating_items.h"
#include "serve/listener.h"

typedef struct ServeOptions {
    CommonOptions common;
    RatingOptions rating;
    char *run_dir, *question;
    int port;
    bool blind;
} ServeOptions;

typedef struct Site {
    const ServeOptions *options;
    Listener *listener;
    char *store_path, *title;
    RatingItems items[RATING_KINDS_N]; /* as the pages had them last; n 0: not yet */
} Site;

/* What answers one kind of request; `work` has the run's store. A failure becomes an answer of its own. */
typedef bool RouteAnswer(Site *s, Work *work, const Request *request, Reply *out, Err *err);

RouteAnswer dashboard_page, now_page;            /* dashboard.c: the page, and the part of it that grows */
RouteAnswer samples_page;                        /* samples.c */
RouteAnswer rate_page, get_ratings, post_rating; /* ratings.c */

#endif
