/* Expressions to nodes, by recursive descent. From loosest to tightest: if, or, and, not, comparisons, + and
 * -, ~, then * / // and %, **, signs, and the operands of text/jinja/operand.c. */
#include "text/jinja/expr.h"

#include "text/jinja/operand.h"
#include "text/jinja/run.h"

/* --- nodes and tokens, for all that is parsed -------------------------------------------------------- */

Node *jinja_node(Parser *p, NodeKind kind)
{
    Node *n = jinja_alloc(p->pool, 1, sizeof *n);
    n->kind = kind;
    n->line = p->token->line;
    return n;
}

Node *jinja_node_of(Parser *p, NodeKind kind, Node *a, Node *b)
{
    Node *n = jinja_node(p, kind);
    n->a = a;
    n->b = b;
    if (a)
        n->line = a->line;
    return n;
}

bool jinja_enter_source(Parser *p)
{
    if (++p->depth <= JINJA_PARSE_DEPTH)
        return true;
    return jinja_error(p->err, p->token->line, "more than %d levels of nesting", JINJA_PARSE_DEPTH);
}

bool jinja_is_name(const Token *t, const char *name)
{
    return t->kind == T_NAME && jinja_is_text(t->value, name);
}

bool jinja_is_op(const Token *t, const char *op)
{
    return t->kind == T_OPERATOR && strcmp(t->op, op) == 0;
}

bool jinja_skip_name(Parser *p, const char *name)
{
    bool is = jinja_is_name(p->token, name);
    p->token += is;
    return is;
}

bool jinja_unexpected(Parser *p, const char *wanted)
{
    static const char *const kinds[] = {
        [T_END] = "the end of the template", [T_DATA] = "text",          [T_OUTPUT_BEGIN] = "\"{{\"",
        [T_OUTPUT_END] = "\"}}\"",           [T_BLOCK_BEGIN] = "\"{%\"", [T_BLOCK_END] = "\"%}\"",
        [T_STRING] = "a text in quotes",     [T_INT] = "a number",       [T_FLOAT] = "a number",
    };
    const Token *t = p->token;
    if (t->kind == T_NAME)
        return jinja_error(p->err, t->line, "\"%.*s\" stands where %s is needed",
                           t->value.n > 60 ? 60 : (int)t->value.n, t->value.s, wanted);
    if (t->kind == T_OPERATOR)
        return jinja_error(p->err, t->line, "\"%s\" stands where %s is needed", t->op, wanted);
    return jinja_error(p->err, t->line, "%s stands where %s is needed", kinds[t->kind], wanted);
}

bool jinja_expect_op(Parser *p, const char *op)
{
    char wanted[8];
    if (jinja_is_op(p->token, op)) {
        p->token++;
        return true;
    }
    snprintf(wanted, sizeof wanted, "\"%s\"", op);
    return jinja_unexpected(p, wanted);
}

bool jinja_expect_name(Parser *p, const char **name)
{
    if (p->token->kind != T_NAME)
        return jinja_unexpected(p, "a name");
    *name = jinja_intern(p->names, p->token->value.s, p->token->value.n);
    p->token++;
    return true;
}

/* --- operators --------------------------------------------------------------------------------------- */

static bool parse_unary(Parser *p, Node **out, bool with_filters);

static bool parse_sign(Parser *p, Node **out)
{
    Node *n = jinja_node(p, EX_UNARY);
    n->op = jinja_is_op(p->token, "-") ? OP_NEG : OP_POS;
    p->token++;
    *out = n;
    if (!jinja_enter_source(p) || !parse_unary(p, &n->a, false))
        return false;
    p->depth--;
    return true;
}

static bool parse_unary(Parser *p, Node **out, bool with_filters)
{
    bool sign = jinja_is_op(p->token, "-") || jinja_is_op(p->token, "+");
    if (!(sign ? parse_sign(p, out) : jinja_parse_primary(p, out, false)))
        return false;
    return jinja_parse_postfix(p, out) && (!with_filters || jinja_parse_chain(p, out));
}

typedef struct Operator {
    const char *text;
    Op op;
    int level; /* 0: + -, 1: * / // %, 2: ** */
} Operator;

static const Operator *operator_at(const Token *t, int level)
{
    static const Operator table[] = {{"+", OP_ADD, 0},       {"-", OP_SUB, 0}, {"*", OP_MUL, 1}, {"/", OP_DIV, 1},
                                     {"//", OP_FLOORDIV, 1}, {"%", OP_MOD, 1}, {"**", OP_POW, 2}};
    for (int i = 0; i < COUNT(table); i++)
        if (table[i].level == level && jinja_is_op(t, table[i].text))
            return &table[i];
    return NULL;
}

static bool parse_arithmetic(Parser *p, Node **out, int level);

static bool parse_concat(Parser *p, Node **out)
{
    if (!parse_arithmetic(p, out, 1))
        return false;
    if (!jinja_is_op(p->token, "~"))
        return true;
    Node *n = jinja_node_of(p, EX_CONCAT, NULL, NULL), **tail = &n->kids, *item;
    *tail = *out, tail = &(*tail)->next;
    *out = n;
    while (jinja_is_op(p->token, "~")) {
        p->token++;
        if (!parse_arithmetic(p, &item, 1))
            return false;
        *tail = item, tail = &item->next;
    }
    return true;
}

/* The operators of a level, each to the left of the next; ** too. */
static bool parse_arithmetic(Parser *p, Node **out, int level)
{
    const Operator *op;
    Node *right;
    for (Node **side = out;; side = &right) {
        bool ok = level == 0   ? parse_concat(p, side)
                  : level == 1 ? parse_arithmetic(p, side, 2)
                               : parse_unary(p, side, true);
        if (!ok)
            return false;
        if (side == &right)
            (*out)->b = right;
        op = operator_at(p->token, level);
        if (!op)
            return true;
        *out = jinja_node_of(p, EX_BINARY, *out, NULL);
        (*out)->line = p->token->line;
        (*out)->op = op->op;
        p->token++;
    }
}

static bool compare_op(Parser *p, Op *op)
{
    static const Operator table[] = {{"==", OP_EQ, 0}, {"!=", OP_NE, 0}, {"<", OP_LT, 0},
                                     {"<=", OP_LE, 0}, {">", OP_GT, 0},  {">=", OP_GE, 0}};
    bool is_not = jinja_is_name(p->token, "not") && jinja_is_name(p->token + 1, "in");
    if (is_not || jinja_is_name(p->token, "in")) {
        p->token += 1 + is_not;
        *op = is_not ? OP_NOT_IN : OP_IN;
        return true;
    }
    for (int i = 0; i < COUNT(table); i++)
        if (jinja_is_op(p->token, table[i].text)) {
            p->token++;
            *op = table[i].op;
            return true;
        }
    return false;
}

static bool parse_compare(Parser *p, Node **out)
{
    Op op;
    if (!parse_arithmetic(p, out, 0))
        return false;
    if (!compare_op(p, &op))
        return true;
    Node *n = jinja_node_of(p, EX_COMPARE, *out, NULL), **tail = &n->kids, *right;
    *out = n;
    do {
        if (!parse_arithmetic(p, &right, 0))
            return false;
        Node *operand = jinja_node_of(p, EX_OPERAND, right, NULL);
        operand->op = op;
        *tail = operand, tail = &operand->next;
    } while (compare_op(p, &op));
    return true;
}

static bool parse_not(Parser *p, Node **out)
{
    Node **inner = out;
    while (jinja_is_name(p->token, "not")) {
        Node *n = *inner = jinja_node(p, EX_UNARY);
        n->op = OP_NOT;
        p->token++;
        inner = &n->a;
    }
    return parse_compare(p, inner);
}

static bool parse_and(Parser *p, Node **out)
{
    if (!parse_not(p, out))
        return false;
    while (jinja_skip_name(p, "and")) {
        *out = jinja_node_of(p, EX_AND, *out, NULL);
        if (!parse_not(p, &(*out)->b))
            return false;
    }
    return true;
}

bool jinja_parse_or(Parser *p, Node **out)
{
    if (!parse_and(p, out))
        return false;
    while (jinja_skip_name(p, "or")) {
        *out = jinja_node_of(p, EX_OR, *out, NULL);
        if (!parse_and(p, &(*out)->b))
            return false;
    }
    return true;
}

bool jinja_parse_expression(Parser *p, Node **out)
{
    Parser before = *p;
    if (!jinja_enter_source(p) || !jinja_parse_or(p, out))
        return false;
    while (jinja_skip_name(p, "if")) {
        Node *n = jinja_node_of(p, EX_COND, NULL, *out);
        *out = n;
        p->missing = before.missing; /* what was read is behind the if */
        p->soft++;
        if (!jinja_parse_or(p, &n->a))
            return false;
        if (jinja_skip_name(p, "else") && !jinja_parse_expression(p, &n->c))
            return false;
        p->soft--;
    }
    p->depth--;
    return true;
}
