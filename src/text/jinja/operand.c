/* Operands to nodes: names, literals, tuples, and what follows a value: .name [item] (call) |filter `is` test. */
#include "text/jinja/operand.h"

#include "text/jinja/filters.h"
#include "text/jinja/tests.h"

/* Appends to a list whose last link is *tail. */
static void append(Node ***tail, Node *n)
{
    **tail = n;
    *tail = &n->next;
}

/* --- names, literals --------------------------------------------------------------------------------- */

static bool constant_name(const Token *t, Value *out)
{
    if (jinja_is_name(t, "true") || jinja_is_name(t, "True"))
        *out = jinja_bool(true);
    else if (jinja_is_name(t, "false") || jinja_is_name(t, "False"))
        *out = jinja_bool(false);
    else if (jinja_is_name(t, "none") || jinja_is_name(t, "None"))
        *out = jinja_none();
    else
        return false;
    return true;
}

static bool parse_name(Parser *p, Node **out, bool namespaces)
{
    Node *n = *out = jinja_node(p, EX_CONST);
    const Token *t = p->token;
    if (constant_name(t, &n->value)) {
        p->token++;
        return true;
    }
    n->kind = EX_NAME;
    if (!jinja_expect_name(p, &n->name))
        return false;
    if (namespaces && jinja_is_op(p->token, ".")) {
        p->token++;
        n->kind = EX_NSREF;
        const char *field;
        if (!jinja_expect_name(p, &field))
            return false;
        n->value = jinja_literal(field);
        return true;
    }
    if (jinja_is_name(t, "self") || jinja_is_name(t, "super"))
        return jinja_error(p->err, n->line, "\"%s\" is not supported", n->name);
    if (p->macro_depth)
        p->uses |= jinja_is_name(t, "caller")    ? USES_CALLER
                   : jinja_is_name(t, "varargs") ? USES_VARARGS
                   : jinja_is_name(t, "kwargs")  ? USES_KWARGS
                                                 : 0;
    n->builtin = jinja_function(t->value.s, t->value.n);
    return true;
}

/* Texts side by side are one. */
static bool parse_strings(Parser *p, Node **out)
{
    Node *n = *out = jinja_node(p, EX_CONST);
    Str s = {0};
    for (; p->token->kind == T_STRING; p->token++)
        str_addn(&s, p->token->value.s, p->token->value.n);
    n->value = jinja_text(jinja_keep(p->pool, str_text(&s), s.n), s.n);
    str_release(&s);
    return true;
}

static bool parse_list(Parser *p, Node **out)
{
    Node *n = *out = jinja_node(p, EX_LIST), **tail = &n->kids, *item;
    p->token++;
    while (!jinja_is_op(p->token, "]")) {
        if (n->kids && !jinja_expect_op(p, ","))
            return false;
        if (jinja_is_op(p->token, "]"))
            break;
        if (!jinja_parse_expression(p, &item))
            return false;
        append(&tail, item);
    }
    return jinja_expect_op(p, "]");
}

static bool parse_dict(Parser *p, Node **out)
{
    Node *n = *out = jinja_node(p, EX_DICT), **tail = &n->kids, *key, *value;
    p->token++;
    while (!jinja_is_op(p->token, "}")) {
        if (n->kids && !jinja_expect_op(p, ","))
            return false;
        if (jinja_is_op(p->token, "}"))
            break;
        if (!jinja_parse_expression(p, &key) || !jinja_expect_op(p, ":") || !jinja_parse_expression(p, &value))
            return false;
        append(&tail, key);
        append(&tail, value);
    }
    return jinja_expect_op(p, "}");
}

bool jinja_parse_primary(Parser *p, Node **out, bool namespaces)
{
    const Token *t = p->token;
    switch (t->kind) {
    case T_NAME: return parse_name(p, out, namespaces);
    case T_STRING: return parse_strings(p, out);
    case T_INT:
    case T_FLOAT:
        *out = jinja_node(p, EX_CONST);
        (*out)->value = t->value;
        p->token++;
        return true;
    default: break;
    }
    if (jinja_is_op(t, "[") || jinja_is_op(t, "{"))
        return (jinja_is_op(t, "[") ? parse_list : parse_dict)(p, out);
    if (!jinja_is_op(t, "("))
        return jinja_unexpected(p, "an expression");
    p->token++;
    return jinja_parse_tuple(p, out, TUPLE_PARENS, NULL) && jinja_expect_op(p, ")");
}

static bool tuple_ends(const Parser *p, const char *end_name)
{
    const Token *t = p->token;
    return t->kind == T_OUTPUT_END || t->kind == T_BLOCK_END || jinja_is_op(t, ")") ||
           (end_name && jinja_is_name(t, end_name));
}

bool jinja_parse_tuple(Parser *p, Node **out, int flags, const char *end_name)
{
    Node *n = jinja_node(p, EX_TUPLE), **tail = &n->kids, *item;
    bool comma = false;
    while (!tuple_ends(p, end_name)) {
        bool ok = flags & TUPLE_TARGET  ? jinja_parse_primary(p, &item, flags & TUPLE_NAMESPACE)
                  : flags & TUPLE_NO_IF ? jinja_parse_or(p, &item)
                                        : jinja_parse_expression(p, &item);
        if (!ok)
            return false;
        append(&tail, item);
        if (!jinja_is_op(p->token, ","))
            break;
        p->token++;
        comma = true;
    }
    if (!comma && n->kids)
        *out = n->kids;
    else if (!comma && !(flags & TUPLE_PARENS))
        return jinja_unexpected(p, "an expression");
    else
        *out = n;
    return true;
}

/* --- what follows a value ---------------------------------------------------------------------------- */

static bool keyword_ahead(const Parser *p)
{
    return p->token->kind == T_NAME && jinja_is_op(p->token + 1, "=");
}

enum { GIVEN_NAME = 1, GIVEN_LIST = 2, GIVEN_DICT = 4 }; /* what an argument must not follow */

/* One argument: a value, name=value, *list or **dict. *given collects what there was. */
static bool parse_argument(Parser *p, Node **out, int *given)
{
    int line = p->token->line, spread = jinja_is_op(p->token, "*") ? GIVEN_LIST : 0;
    spread = jinja_is_op(p->token, "**") ? GIVEN_DICT : spread;
    const char *name = NULL;
    bool named = keyword_ahead(p);
    int before = named ? GIVEN_DICT : spread == GIVEN_DICT ? GIVEN_DICT : GIVEN_LIST | GIVEN_DICT;
    if (*given & (before | (named || spread ? 0 : GIVEN_NAME)))
        return jinja_error(p->err, line, "an argument follows one that must stand behind it");
    if (named && (!jinja_expect_name(p, &name) || !jinja_expect_op(p, "=")))
        return false;
    p->token += spread != 0;
    *given |= named ? GIVEN_NAME : spread;
    if (!jinja_parse_expression(p, out))
        return false;
    if (named || spread) {
        *out = jinja_node_of(p, named ? EX_KEYWORD : EX_SPREAD, *out, NULL);
        (*out)->name = name;
        (*out)->flag = spread == GIVEN_DICT;
    }
    return true;
}

/* "(" has been seen; the arguments become kids. */
static bool parse_arguments(Parser *p, Node **kids)
{
    Node **tail = kids, *n;
    int given = 0;
    if (!jinja_expect_op(p, "("))
        return false;
    while (!jinja_is_op(p->token, ")")) {
        if (*kids && !jinja_expect_op(p, ","))
            return false;
        if (jinja_is_op(p->token, ")"))
            break;
        if (!parse_argument(p, &n, &given))
            return false;
        append(&tail, n);
    }
    return jinja_expect_op(p, ")");
}

static bool parse_call(Parser *p, Node **out)
{
    Node *n = jinja_node_of(p, EX_CALL, *out, NULL);
    n->line = p->token->line;
    if (n->a->kind == EX_NAME) {
        Node *call = jinja_node(p, EX_NAME);
        call->name = n->a->name;
        call->builtin = n->a->builtin;
        call->line = n->line;
        call->next = p->calls;
        p->calls = call;
    }
    *out = n;
    return parse_arguments(p, &n->kids);
}

/* One part of a slice, or nothing. */
static bool parse_bound(Parser *p, Node **out)
{
    if (jinja_is_op(p->token, ":") || jinja_is_op(p->token, "]"))
        return true;
    return jinja_parse_expression(p, out);
}

static bool parse_item(Parser *p, Node **out)
{
    Node *n = jinja_node_of(p, EX_ITEM, *out, NULL);
    n->line = p->token->line;
    *out = n;
    p->token++;
    if (jinja_is_op(p->token, "]"))
        return jinja_unexpected(p, "an expression");
    if (!parse_bound(p, &n->b))
        return false;
    if (jinja_is_op(p->token, ":")) {
        n->kind = EX_SLICE;
        p->token++;
        if (!parse_bound(p, &n->c))
            return false;
        if (jinja_is_op(p->token, ":")) {
            p->token++;
            if (!parse_bound(p, &n->d))
                return false;
        }
    }
    if (jinja_is_op(p->token, ","))
        return jinja_error(p->err, p->token->line, "a \",\" between brackets after a value is not supported");
    return jinja_expect_op(p, "]");
}

static bool parse_dot(Parser *p, Node **out)
{
    Node *n = jinja_node_of(p, EX_ATTR, *out, NULL);
    p->token++;
    n->line = p->token->line;
    n->value = p->token->value;
    *out = n;
    if (p->token->kind == T_INT) {
        n->kind = EX_ITEM;
        n->b = jinja_node(p, EX_CONST);
        n->b->value = n->value;
    } else if (p->token->kind != T_NAME) {
        return jinja_unexpected(p, "a name or a number after \".\"");
    }
    p->token++;
    return true;
}

/* What parses a token behind a value; NULL: nothing, the value has ended. */
typedef bool Suffix(Parser *p, Node **out);

static bool parse_suffixes(Parser *p, Node **out, Suffix *(*suffix_of)(const Token *t))
{
    Suffix *parse;
    while ((parse = suffix_of(p->token)))
        if (!parse(p, out))
            return false;
    return true;
}

static Suffix *postfix_of(const Token *t)
{
    return jinja_is_op(t, ".") ? parse_dot : jinja_is_op(t, "[") ? parse_item : jinja_is_op(t, "(") ? parse_call : NULL;
}

bool jinja_parse_postfix(Parser *p, Node **out)
{
    return parse_suffixes(p, out, postfix_of);
}

/* The name of a filter or test. One that is not known fails where it is reached; outside of any `if`, as in Jinja, before. */
static bool parse_builtin(Parser *p, Node *n, const char *what, const Builtin *(*find)(const char *name, size_t length))
{
    const Token *t = p->token;
    const char *name;
    if (!jinja_expect_name(p, &name))
        return false;
    n->line = t->line;
    n->builtin = jinja_is_op(p->token, ".") ? NULL : find(t->value.s, t->value.n);
    if (n->builtin && n->builtin->fn)
        return true;
    for (const char *rest; jinja_is_op(p->token, ".");) { /* no name of ours has points */
        p->token++;
        if (!jinja_expect_name(p, &rest))
            return false;
    }
    Builtin *missing = jinja_alloc(p->pool, 1, sizeof *missing);
    *missing = (Builtin){.name = name, .params = what};
    n->builtin = missing;
    if (!p->soft && !p->missing.name) {
        p->missing.what = what;
        p->missing.name = name;
        p->missing.line = t->line;
    }
    return true;
}

bool jinja_parse_filters(Parser *p, Node **out, bool inside)
{
    while (inside || jinja_is_op(p->token, "|")) {
        p->token += !inside;
        inside = false;
        Node *n = jinja_node_of(p, EX_FILTER, *out, NULL);
        *out = n;
        if (!parse_builtin(p, n, "filter", jinja_filter))
            return false;
        if (jinja_is_op(p->token, "(") && !parse_arguments(p, &n->kids))
            return false;
    }
    return true;
}

/* Can an argument without parentheses begin here, as in `is divisibleby 3`? */
static bool test_argument(const Token *t)
{
    if (t->kind == T_NAME)
        return !jinja_is_name(t, "else") && !jinja_is_name(t, "or") && !jinja_is_name(t, "and");
    return t->kind == T_STRING || t->kind == T_INT || t->kind == T_FLOAT || jinja_is_op(t, "[") || jinja_is_op(t, "{");
}

static bool parse_test(Parser *p, Node **out)
{
    p->token++;
    bool negated = jinja_skip_name(p, "not");
    Node *n = jinja_node_of(p, EX_TEST, *out, NULL);
    if (n->a->kind == EX_NAME && (jinja_is_name(p->token, "defined") || jinja_is_name(p->token, "undefined")))
        jinja_dict_set(p->pool, &p->tested, jinja_literal(n->a->name), jinja_none());
    if (!parse_builtin(p, n, "test", jinja_test))
        return false;
    if (jinja_is_op(p->token, "(")) {
        if (!parse_arguments(p, &n->kids))
            return false;
    } else if (test_argument(p->token)) {
        if (jinja_is_name(p->token, "is"))
            return jinja_error(p->err, p->token->line, "two tests with \"is\" one after the other");
        if (!jinja_parse_primary(p, &n->kids, false) || !jinja_parse_postfix(p, &n->kids))
            return false;
    }
    *out = n;
    if (negated) {
        *out = jinja_node_of(p, EX_UNARY, n, NULL);
        (*out)->op = OP_NOT;
    }
    return true;
}

static bool parse_pipes(Parser *p, Node **out)
{
    return jinja_parse_filters(p, out, false);
}

static Suffix *chain_of(const Token *t)
{
    return jinja_is_op(t, "|")      ? parse_pipes
           : jinja_is_name(t, "is") ? parse_test
           : jinja_is_op(t, "(")    ? parse_call
                                    : NULL;
}

bool jinja_parse_chain(Parser *p, Node **out)
{
    return parse_suffixes(p, out, chain_of);
}
