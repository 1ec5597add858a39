/* Operands to nodes: names, literals, tuples, and what follows a value: .name [item] (call) |filter `is` test. */
#ifndef TEXT_JINJA_OPERAND_H
#define TEXT_JINJA_OPERAND_H

#include "text/jinja/expr.h"

/* A name, literal or parenthesis; then, behind it, .name [item] (call); then |filter and `is` test. */
bool jinja_parse_primary(Parser *p, Node **out, bool namespaces) MUST_CHECK;
bool jinja_parse_postfix(Parser *p, Node **out) MUST_CHECK;
bool jinja_parse_chain(Parser *p, Node **out) MUST_CHECK;

bool jinja_parse_filters(Parser *p, Node **out, bool inside) MUST_CHECK; /* *out: what is filtered, or NULL */

/* A tuple is what may stand without parentheses. */
enum { TUPLE_NO_IF = 1, TUPLE_PARENS = 2, TUPLE_TARGET = 4, TUPLE_NAMESPACE = 8 };
bool jinja_parse_tuple(Parser *p, Node **out, int flags, const char *end_name) MUST_CHECK;

#endif
