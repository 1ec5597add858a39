/* The interpreter of chat templates: what opens it.
 *
 * The language is Jinja2 as transformers runs it: the immutable sandbox with trim_blocks, lstrip_blocks, loop
 * controls and the `generation` tag. A template is lexed (lex.c), parsed to nodes (expr.c, operand.c, parse.c) and
 * walked (eval.c, exec.c). From below: values (value.c), a run's limits and scopes (run.c), texts (text.c, compare.c,
 * print.c), what is built in (call.c, loop.c, format.c, methods.c, ops.c, tests.c, filters.c), expressions (eval.c),
 * statements (exec.c). */
#ifndef TEXT_JINJA_JINJA_H
#define TEXT_JINJA_JINJA_H

#include "text/jinja/exec.h"
#include "text/jinja/parse.h"

#endif
