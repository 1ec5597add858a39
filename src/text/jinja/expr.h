/* Expressions to nodes, and what all parsers share.
 *
 * This file and operand.c call each other because the grammar does: an expression is made of operands, and an operand
 * holds expressions in its parentheses, brackets and arguments. */
#ifndef TEXT_JINJA_EXPR_H
#define TEXT_JINJA_EXPR_H

#include "text/jinja/lex.h"
#include "text/jinja/node.h"

typedef struct Parser {
    Pool *pool;
    Err *err;
    Names *names;
    const Token *token; /* the current one */
    int depth;
    int loops; /* for-bodies around this place, inside the innermost macro */
    int macro_depth;
    int uses;    /* special names seen in the macro being read */
    Dict stored; /* names that the template assigns */
    Dict tested; /* names that it asks `is defined` of */
    Node *calls; /* EX_NAME: what it calls by name */
    int soft;    /* ifs around this place: what is behind one need not be reached */
    struct {
        const char *what, *name; /* the first filter or test outside of any that there is none of; NULL: none */
        int line;
    } missing;
} Parser;

bool jinja_parse_expression(Parser *p, Node **out) MUST_CHECK;
bool jinja_parse_or(Parser *p, Node **out) MUST_CHECK; /* without an `if` behind it */

Node *jinja_node(Parser *p, NodeKind kind);
Node *jinja_node_of(Parser *p, NodeKind kind, Node *a, Node *b); /* on the line of a, where there is one */
bool jinja_enter_source(Parser *p) MUST_CHECK;
bool jinja_is_name(const Token *t, const char *name);
bool jinja_is_op(const Token *t, const char *op);
bool jinja_skip_name(Parser *p, const char *name);
bool jinja_expect_op(Parser *p, const char *op) MUST_CHECK;
bool jinja_expect_name(Parser *p, const char **name) MUST_CHECK;
bool jinja_unexpected(Parser *p, const char *wanted);

#endif
