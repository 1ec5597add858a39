/* serve: a run's dashboard, its samples, and the pages on which people rate responses, on this machine alone.
 *
 * Every request opens the run's store and closes it. The run may go on meanwhile: pages show what there is so far, and
 * loaded again what has come since. A rating is in the store when the page says that it is saved. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include "serve/site.h"

extern const OptionTable serve_table;

/* Begins to listen; fails where the directory holds no run. */
bool site_open(Site **out, const ServeOptions *o, Err *err) MUST_CHECK;
int site_port(const Site *s);
/* Answers what there is, waiting at most so long for something. */
bool site_step(Site *s, int milliseconds, Err *err) MUST_CHECK;
void site_close(Site *s); /* accepts NULL */

/* Says where it listens, and serves until it is told to stop. */
bool serve_run(const ServeOptions *o, Err *err) MUST_CHECK;

#endif
