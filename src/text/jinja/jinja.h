/* The interpreter of chat templates, inside: what the files jinja_*.c share.
 *
 * The language is Jinja2 as transformers runs it: the immutable sandbox with trim_blocks, lstrip_blocks, loop
 * controls and the `generation` tag. A template is lexed (text/jinja/lex.c), parsed to nodes (text/jinja/parse.c,
 * text/jinja/expr.c, text/jinja/operand.c) and walked (text/jinja/exec.c, text/jinja/eval.c). Containers, but for namespaces, never
 * change once built, so that values are shared freely; all that a render makes lives in one pool that ends with
 * it, and the template stays as it is. */
#ifndef TEXT_JINJA_JINJA_H
#define TEXT_JINJA_JINJA_H

#include "base/err.h"
#include "text/jinja/taint.h"

#include <stddef.h>
#include <stdint.h>

/* What one render may use; beyond it, it fails with a sentence. */
enum {
    JINJA_DEPTH = 800,        /* nesting of expressions, blocks, macros and values */
    JINJA_PARSE_DEPTH = 150,  /* nesting in a template's source */
    JINJA_STEPS = 10000000,   /* nodes, items and 64-byte pieces of text looked at */
    JINJA_OUTPUT = 64 << 20,  /* bytes of text written */
    JINJA_MEMORY = 256 << 20, /* bytes of values */
    JINJA_RANGE = 100000,     /* items of a range(), the sandbox's own limit */
    JINJA_PARAMETERS = 5      /* the most named parameters of a filter, test, method or function */
};

/* --- values ------------------------------------------------------------------------------------------ */

typedef enum Kind {
    V_ABSENT, /* a parameter that was not given; never seen by a template */
    V_UNDEFINED,
    V_NONE,
    V_BOOL,
    V_INT,
    V_FLOAT,
    V_TEXT,
    V_LIST,
    V_TUPLE,
    V_RANGE,
    V_VIEW, /* keys(), values() or items() of a dict */
    V_ITER, /* what a generator gives: it can be walked once */
    V_DICT,
    V_NAMESPACE,
    V_LOOP,
    V_MACRO,
    V_FUNCTION,
    V_METHOD,
    KINDS
} Kind;

typedef enum Why { WHY_NAME, WHY_FIELD, WHY_HINT } Why; /* of an undefined value: what its text says */

typedef struct Value {
    Kind kind;
    unsigned char flag; /* V_TEXT: marked as safe HTML; V_UNDEFINED: Why; V_VIEW: 'k', 'v' or 'i' */
    union {
        bool yes;
        int64_t i;
        double f;
        const char *s; /* V_TEXT, V_UNDEFINED: n bytes of UTF-8, no NUL after them */
        struct Seq *seq;
        struct Dict *dict; /* also V_NAMESPACE */
        struct Loop *loop;
        const struct Macro *macro;
        const struct Builtin *fn;
        const struct Method *method;
    };
    size_t n;
    const char *taint; /* V_TEXT: of its bytes (taint.h); V_NONE to V_FLOAT: TAINT_ALL or NULL */
} Value;

typedef struct Seq {
    Value *item;
    size_t n, cap;
    size_t at; /* the next one to walk to */
} Seq;

typedef struct Pair {
    Value key, value;
} Pair;

typedef struct Dict {
    Pair *pair; /* in the order of insertion */
    size_t n, cap;
    uint32_t *bucket; /* 1 + index into pair, or 0; NULL while the dict is small */
    size_t buckets;   /* a power of two */
} Dict;

typedef struct Method {
    Value self;
    const struct Builtin *fn;
} Method;

typedef struct Macro {
    const struct Node *node;
    struct Scope *scope; /* where it was defined */
} Macro;

/* --- memory ------------------------------------------------------------------------------------------ */

typedef struct Pool {
    struct PoolBlock *block;
    size_t used; /* bytes given out */
} Pool;

/* Zeroed memory that lives as long as the pool. */
void *jinja_alloc(Pool *p, size_t count, size_t size);
const char *jinja_keep(Pool *p, const char *s, size_t n); /* a copy, ended by a NUL */
void jinja_pool_release(Pool *p);

/* --- nodes ------------------------------------------------------------------------------------------- */

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

typedef struct Names {
    Pool *pool;
    Dict dict;
    const char *loop, *caller, *varargs, *kwargs;
} Names;
/* The one pointer that stands for this name. Only while a template is read: a render leaves it as it is. */
const char *jinja_intern(Names *names, const char *s, size_t n);

/* --- tokens ------------------------------------------------------------------------------------------ */

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

/* --- parsing ----------------------------------------------------------------------------------------- */

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
} Parser;

/* A whole template to a list of statements; names that the render will bind are in names. */
bool jinja_parse(Pool *pool, Names *names, const char *source, Node **out, Err *err) MUST_CHECK;

/* Expressions, for the statements' parser. A tuple is what may stand without parentheses. */
enum { TUPLE_NO_IF = 1, TUPLE_PARENS = 2, TUPLE_TARGET = 4, TUPLE_NAMESPACE = 8 };
bool jinja_parse_expression(Parser *p, Node **out) MUST_CHECK;
bool jinja_parse_tuple(Parser *p, Node **out, int flags, const char *end_name) MUST_CHECK;
bool jinja_parse_or(Parser *p, Node **out) MUST_CHECK;                   /* without an `if` behind it */
bool jinja_parse_filters(Parser *p, Node **out, bool inside) MUST_CHECK; /* *out: what is filtered, or NULL */
/* A name, literal or parenthesis; then, behind it, .name [item] (call); then |filter and `is` test. */
bool jinja_parse_primary(Parser *p, Node **out, bool namespaces) MUST_CHECK;
bool jinja_parse_postfix(Parser *p, Node **out) MUST_CHECK;
bool jinja_parse_chain(Parser *p, Node **out) MUST_CHECK;

/* Shared by the two parsers. */
Node *jinja_node(Parser *p, NodeKind kind);
Node *jinja_node_of(Parser *p, NodeKind kind, Node *a, Node *b); /* on the line of a, where there is one */
bool jinja_enter_source(Parser *p) MUST_CHECK;
bool jinja_is_name(const Token *t, const char *name);
bool jinja_is_op(const Token *t, const char *op);
bool jinja_skip_name(Parser *p, const char *name);
bool jinja_expect_op(Parser *p, const char *op) MUST_CHECK;
bool jinja_expect_name(Parser *p, const char **name) MUST_CHECK;
bool jinja_unexpected(Parser *p, const char *wanted);

/* "chat template line N: ..." */
bool jinja_error(Err *err, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
bool jinja_no_function(Err *err, int line, const char *name);

/* --- running ----------------------------------------------------------------------------------------- */

typedef struct Binding {
    const char *name;
    Value value;
} Binding;

typedef struct Scope {
    struct Scope *parent;
    Binding *var;
    int n, cap;
} Scope;

typedef enum Flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE } Flow;

typedef struct Run {
    Pool *pool;
    Err *err;
    const Names *names;
    int line;
    int depth;
    int date; /* 20240726: what strftime_now tells */
    size_t steps;
    Tainted *out; /* where text goes now */
    Value input;  /* of a filter block: the text that its first filter gets */
    Scope *scope;
    Flow flow;
} Run;

#define jinja_fail(run, ...) jinja_error((run)->err, (run)->line, __VA_ARGS__)
bool jinja_fail_undefined(Run *r, Value v);
bool jinja_fail_value(Run *r, const char *what, Value v); /* "<what> <kind of the value>" */
const char *jinja_kind_name(Value v);

bool jinja_enter(Run *r) MUST_CHECK;                           /* one level deeper; r->depth-- leaves it */
bool jinja_spend(Run *r, size_t steps) MUST_CHECK;             /* also looks whether the pool has grown too large */
bool jinja_room(Run *r, size_t count, size_t size) MUST_CHECK; /* before something big is made */

bool jinja_exec(Run *r, const Node *list) MUST_CHECK;
bool jinja_eval(Run *r, Value *out, const Node *n) MUST_CHECK;
/* What the statements write becomes a text. */
bool jinja_capture(Run *r, Value *out, const Node *list) MUST_CHECK;
void jinja_bind(Run *r, Scope *s, const char *name, Value v);
Scope *jinja_scope(Run *r, Scope *parent);

/* --- calls ------------------------------------------------------------------------------------------- */

typedef struct Keyword {
    const char *name;
    Value value;
    const char *taint; /* of the name: a row's, where it comes from a dict */
} Keyword;

typedef struct Call {
    Value self; /* what is filtered or tested, or the method's object */
    Value *pos;
    size_t npos;
    Keyword *kw;
    size_t nkw;
    Value arg[JINJA_PARAMETERS]; /* by parameter; V_ABSENT where not given */
} Call;

/* A filter, test, method or function. `params` names its parameters: "old new count?" with ? where one may
 * be left out; a "/" in front refuses keywords; "*" leaves pos and kw to the function. A NULL fn: Jinja or
 * Python has it and we do not; with params, these say why the sandbox hides it. */
typedef struct Builtin {
    const char *name, *params;
    bool (*fn)(Run *r, Value *out, Call *c);
} Builtin;

const Builtin *jinja_filter(const char *name, size_t n);
const Builtin *jinja_test(const char *name, size_t n);
const Builtin *jinja_function(const char *name, size_t n);
const Builtin *jinja_method(Value self, const char *name, size_t n);
/* The table's row of this name, or NULL. */
const Builtin *jinja_find(const Builtin *table, int n, const char *name, size_t length);

/* The arguments among the kids of a call's, filter's or test's node. */
bool jinja_arguments(Run *r, Call *c, const Node *kids) MUST_CHECK;
bool jinja_apply(Run *r, Value *out, const Builtin *b, Call *c) MUST_CHECK;
bool jinja_call(Run *r, Value *out, Value callee, Call *c) MUST_CHECK;

bool jinja_strftime(Run *r, Value *out, Call *c) MUST_CHECK; /* the function strftime_now */

/* Arguments of a certain kind; `what` begins the message of a failure. */
bool jinja_want_text(Run *r, Value v, const char *what) MUST_CHECK;
bool jinja_want_int(Run *r, int64_t *out, Value v, const char *what) MUST_CHECK;

/* --- values, their operations ------------------------------------------------------------------------ */

Value jinja_none(void);
Value jinja_bool(bool yes);
Value jinja_int(int64_t i);
Value jinja_float(double f);
Value jinja_text(const char *s, size_t n);         /* untainted */
Value jinja_part(Value text, size_t at, size_t n); /* n bytes of it, with their taint, marked as safe no more */
Value jinja_name(const Keyword *k);
Value jinja_literal(const char *s);
Value jinja_undefined(Why why, const char *s, size_t n);
Value jinja_of_seq(Kind kind, Seq *seq);

Seq *jinja_seq(Run *r, size_t cap);
void jinja_push(Run *r, Seq *seq, Value v);
bool jinja_iterate(Run *r, Seq **out, Value v) MUST_CHECK; /* what a loop walks; a V_ITER gives itself */
bool jinja_collect(Run *r, Seq **out, Value v) MUST_CHECK; /* its items, in a Seq of its own */

bool jinja_hashable(Value v);
void jinja_dict_set(Pool *pool, Dict *d, Value key, Value value);
bool jinja_dict_put(Run *r, Dict *d, Value key, Value value) MUST_CHECK; /* fails for a key of no use */
Pair *jinja_dict_find(const Dict *d, Value key);
Pair *jinja_dict_name(const Dict *d, const char *s, size_t n);
bool jinja_is_text(Value v, const char *s);

bool jinja_truth(Value v);
bool jinja_number(Value v, long double *out); /* bool, int or float */
bool jinja_length(Run *r, size_t *out, Value v) MUST_CHECK;
bool jinja_equal(Run *r, bool *out, Value a, Value b) MUST_CHECK;
bool jinja_compare(Run *r, bool *out, Op op, Value a, Value b) MUST_CHECK; /* every Op from EQ to NOT_IN */
bool jinja_sort(Run *r, Seq *items, Seq *keys, bool reverse) MUST_CHECK;   /* stable; both are reordered */
bool jinja_binary(Run *r, Value *out, Op op, Value a, Value b) MUST_CHECK;
bool jinja_format(Run *r, Value *out, Value format, Value values) MUST_CHECK; /* format % values */

bool jinja_attribute(Run *r, Value *out, Value v, const char *name, size_t n) MUST_CHECK; /* v.name */
bool jinja_item(Run *r, Value *out, Value v, Value key) MUST_CHECK;                       /* v[key] */
bool jinja_slice(Run *r, Value *out, Value v, const Value bound[3]) MUST_CHECK;
bool jinja_loop_attribute(Run *r, Value *out, struct Loop *loop, const char *name, size_t n) MUST_CHECK;
bool jinja_loop_call(Run *r, Value *out, struct Loop *loop, bool changed, const Call *c) MUST_CHECK;

/* str(), repr() and json.dumps() */
typedef struct JsonStyle {
    bool ascii, sort, lines; /* lines: an indent was given */
    Value indent;            /* V_TEXT: one level */
    Value comma, colon;
} JsonStyle;
bool jinja_print(Run *r, Tainted *s, Value v) MUST_CHECK;
bool jinja_json(Run *r, Tainted *s, Value v, const JsonStyle *style, int level) MUST_CHECK;
bool jinja_to_text(Run *r, Value *out, Value v) MUST_CHECK; /* texts stay as they are, marked or not */

/* --- texts, as Python sees them (text/jinja/text.c, text/jinja/case.c) ----------------------------------------- */

/* A text built in s becomes a value where ok; s is released in any case. */
bool jinja_take(Run *r, Value *out, Tainted *s, bool ok) MUST_CHECK;

/* Bytes of the blank that begins, or ends, the n bytes at s; 0 where there is none. */
size_t jinja_blank(const char *s, size_t n);
size_t jinja_blank_before(const char *s, size_t n);
size_t jinja_char(const char *s, size_t n); /* bytes of the first character */
size_t jinja_chars(Value text);             /* characters in it */
unsigned jinja_code(const char *s, size_t n, size_t *bytes);

enum { STRIP_LEFT = 1, STRIP_RIGHT = 2 };
Value jinja_strip(Value text, Value chars, int sides); /* chars: V_TEXT, or blanks */
Value jinja_substring(Value text, size_t from, size_t to);
bool jinja_find_text(const char *s, size_t n, const char *part, size_t m, size_t *at);
bool jinja_split(Run *r, Seq **out, Value text, Value separator, int64_t most, bool from_right) MUST_CHECK;
bool jinja_lines(Run *r, Seq **out, Value text, bool keep_ends) MUST_CHECK;
bool jinja_replace(Run *r, Value *out, Value text, Value old, Value new, int64_t most) MUST_CHECK;
bool jinja_escape(Run *r, Value *out, Value v) MUST_CHECK; /* for HTML; texts so marked stay */

typedef enum Case { CASE_UPPER, CASE_LOWER, CASE_CAPITAL, CASE_TITLE, CASE_WORDS } Case;
bool jinja_case(Run *r, Value *out, Value text, Case how) MUST_CHECK;
bool jinja_is_word(unsigned code); /* letters, digits and _ */
bool jinja_printable(unsigned code);
bool jinja_digits(Run *r, bool *out, Value text) MUST_CHECK; /* str.isdigit */

#endif
