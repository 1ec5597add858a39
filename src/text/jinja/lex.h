/* From a template's source to tokens: text, tags with their whitespace control, and what is inside tags. */
#ifndef TEXT_JINJA_LEX_H
#define TEXT_JINJA_LEX_H

#include "text/jinja/value.h"

enum { JINJA_PARSE_DEPTH = 150 }; /* nesting in a template's source */

typedef enum TokenKind {
    T_END,
    T_DATA,
    T_OUTPUT_BEGIN,
    T_OUTPUT_END,
    T_BLOCK_BEGIN,
    T_BLOCK_END,
    T_NAME,
    T_STRING,
    T_INT,
    T_FLOAT,
    T_OPERATOR /* op: up to two characters */
} TokenKind;

typedef struct Token {
    TokenKind kind;
    int line;
    char op[3];
    Value value; /* V_TEXT for T_DATA, T_NAME and T_STRING; V_INT, V_FLOAT */
} Token;

/* All tokens of a source, the last of them T_END. Fails for what is no token. */
bool jinja_lex(Pool *pool, const char *source, Token **out, Err *err) MUST_CHECK;

#endif
