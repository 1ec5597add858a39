/* Statements: output, scopes, assignments, loops, macros' definitions. */
#ifndef TEXT_JINJA_EXEC_H
#define TEXT_JINJA_EXEC_H

#include "text/jinja/node.h"
#include "text/jinja/run.h"

/* Runs a list of statements; r->run_body is this function. */
bool jinja_exec(Run *r, const Node *list) MUST_CHECK;

#endif
