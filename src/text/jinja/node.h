/* Nodes: what a template is parsed to. */
#ifndef TEXT_JINJA_NODE_H
#define TEXT_JINJA_NODE_H

#include "text/jinja/value.h"

typedef enum NodeKind {
    /* expressions */
    EX_CONST,   /* value */
    EX_NAME,    /* name, builtin where it is a function's */
    EX_LIST,    /* kids */
    EX_TUPLE,   /* kids */
    EX_DICT,    /* kids: key, value, key, value ... */
    EX_ATTR,    /* a . value */
    EX_ITEM,    /* a [b] */
    EX_SLICE,   /* a [b:c:d], each of b, c, d may be NULL */
    EX_CALL,    /* a (kids) */
    EX_KEYWORD, /* name = a, among the kids of a call */
    EX_SPREAD,  /* *a, or **a where flag, among the kids of a call */
    EX_FILTER,  /* a | builtin (kids); a is NULL at the head of a filter block: the captured text */
    EX_TEST,    /* a is builtin (kids) */
    EX_UNARY,   /* op a */
    EX_BINARY,  /* a op b */
    EX_AND,     /* a and b */
    EX_OR,      /* a or b */
    EX_COMPARE, /* a, kids: EX_OPERAND */
    EX_OPERAND, /* op a */
    EX_CONCAT,  /* kids */
    EX_COND,    /* b if a else c; c may be NULL */
    EX_NSREF,   /* name.value as the target of an assignment */
    /* statements */
    ST_TEXT,      /* value */
    ST_OUTPUT,    /* a */
    ST_IF,        /* a, kids; orelse: a list, or one ST_IF of an elif */
    ST_FOR,       /* target a, iterable b, test c or NULL, kids, orelse */
    ST_SET,       /* target a, b */
    ST_SET_BLOCK, /* target a, filter b or NULL, kids */
    ST_MACRO,     /* name, params, kids, flag: Uses */
    ST_CALL,      /* the call a with the caller params, kids, flag: Uses */
    ST_FILTER,    /* filter b, kids */
    ST_WITH,      /* params: ST_SET, their targets in the scope of kids */
    ST_SCOPE,     /* kids, in a scope of their own */
    ST_BREAK,
    ST_CONTINUE,
    NODE_KINDS
} NodeKind;

typedef enum Op {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_FLOORDIV,
    OP_MOD,
    OP_POW,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_NOT_IN,
    OP_NOT,
    OP_NEG,
    OP_POS
} Op;

enum Uses { USES_CALLER = 1, USES_VARARGS = 2, USES_KWARGS = 4 }; /* special names in a macro's body */

typedef struct Node {
    NodeKind kind;
    int line;
    Op op;
    int flag;
    const char *name; /* interned: equal names are equal pointers */
    Value value;
    struct Node *a, *b, *c, *d;
    struct Node *kids, *params, *orelse; /* lists by next */
    struct Node *next;
    const struct Builtin *builtin;
} Node;

#endif
