/* Statements to nodes, and what only the whole template tells: whether every function that it calls exists. */
#ifndef TEXT_JINJA_PARSE_H
#define TEXT_JINJA_PARSE_H

#include "text/jinja/node.h"

/* A whole template to a list of statements; names that the render will bind are in names. */
bool jinja_parse(Pool *pool, Names *names, const char *source, Node **out, Err *err) MUST_CHECK;

#endif
