/* Expressions: every kind of node to its value. */
#include "text/jinja/jinja.h"

static bool eval_const(Run *r, Value *out, const Node *n)
{
    (void)r;
    *out = n->value;
    return true;
}

static bool eval_name(Run *r, Value *out, const Node *n)
{
    for (const Scope *s = r->scope; s; s = s->parent)
        for (int i = 0; i < s->n; i++)
            if (s->var[i].name == n->name) {
                *out = s->var[i].value;
                if (out->kind == V_ABSENT) /* a parameter whose default is still being made */
                    *out = jinja_undefined(WHY_NAME, n->name, strlen(n->name));
                return true;
            }
    if (n->builtin)
        *out = (Value){.kind = V_FUNCTION, .fn = n->builtin};
    else
        *out = jinja_undefined(WHY_NAME, n->name, strlen(n->name));
    return true;
}

static bool eval_seq(Run *r, Value *out, const Node *n)
{
    Seq *items = jinja_seq(r, 0);
    for (const Node *kid = n->kids; kid; kid = kid->next) {
        Value v;
        if (!jinja_eval(r, &v, kid))
            return false;
        jinja_push(r, items, v);
    }
    *out = jinja_of_seq(n->kind == EX_LIST ? V_LIST : V_TUPLE, items);
    return true;
}

static bool eval_dict(Run *r, Value *out, const Node *n)
{
    Dict *d = jinja_alloc(r->pool, 1, sizeof *d);
    for (const Node *kid = n->kids; kid; kid = kid->next->next) {
        Value key, value;
        if (!jinja_eval(r, &key, kid) || !jinja_eval(r, &value, kid->next) || !jinja_dict_put(r, d, key, value))
            return false;
    }
    *out = (Value){.kind = V_DICT, .dict = d};
    return true;
}

static bool eval_attr(Run *r, Value *out, const Node *n)
{
    Value v;
    return jinja_eval(r, &v, n->a) && jinja_attribute(r, out, v, n->value.s, n->value.n);
}

static bool eval_item(Run *r, Value *out, const Node *n)
{
    Value v, key;
    return jinja_eval(r, &v, n->a) && jinja_eval(r, &key, n->b) && jinja_item(r, out, v, key);
}

static bool eval_slice(Run *r, Value *out, const Node *n)
{
    Value v, bound[3] = {{0}};
    const Node *part[3] = {n->b, n->c, n->d};
    if (!jinja_eval(r, &v, n->a))
        return false;
    for (int i = 0; i < 3; i++)
        if (part[i] && !jinja_eval(r, &bound[i], part[i]))
            return false;
    return jinja_slice(r, out, v, bound);
}

static bool eval_call(Run *r, Value *out, const Node *n)
{
    Value callee;
    Call c = {0};
    return jinja_eval(r, &callee, n->a) && jinja_arguments(r, &c, n->kids) && jinja_call(r, out, callee, &c);
}

static bool eval_filter(Run *r, Value *out, const Node *n)
{
    Call c = {0};
    if (!n->a)
        c.self = r->input;
    else if (!jinja_eval(r, &c.self, n->a))
        return false;
    return jinja_arguments(r, &c, n->kids) && jinja_apply(r, out, n->builtin, &c);
}

static bool eval_unary(Run *r, Value *out, const Node *n)
{
    Value v;
    if (!jinja_eval(r, &v, n->a))
        return false;
    if (n->op == OP_NOT) {
        *out = jinja_bool(!jinja_truth(v));
        return true;
    }
    if (v.kind == V_FLOAT) {
        *out = jinja_float(n->op == OP_NEG ? -v.f : v.f);
        out->taint = v.taint;
        return true;
    }
    return jinja_binary(r, out, n->op == OP_NEG ? OP_SUB : OP_ADD, jinja_int(0), v);
}

static bool eval_binary(Run *r, Value *out, const Node *n)
{
    Value a, b;
    return jinja_eval(r, &a, n->a) && jinja_eval(r, &b, n->b) && jinja_binary(r, out, n->op, a, b);
}

/* The operand that decides, not its truth. */
static bool eval_logic(Run *r, Value *out, const Node *n)
{
    if (!jinja_eval(r, out, n->a))
        return false;
    if (jinja_truth(*out) == (n->kind == EX_OR))
        return true;
    return jinja_eval(r, out, n->b);
}

/* a < b <= c: every operand once, until one comparison is false. */
static bool eval_compare(Run *r, Value *out, const Node *n)
{
    Value left, right;
    bool yes = true;
    if (!jinja_eval(r, &left, n->a))
        return false;
    for (const Node *kid = n->kids; kid && yes; kid = kid->next) {
        if (!jinja_eval(r, &right, kid->a) || !jinja_compare(r, &yes, kid->op, left, right))
            return false;
        left = right;
    }
    *out = jinja_bool(yes);
    return true;
}

static bool eval_concat(Run *r, Value *out, const Node *n)
{
    Tainted s = {0};
    bool ok = true;
    for (const Node *kid = n->kids; ok && kid; kid = kid->next) {
        Value v;
        ok = jinja_eval(r, &v, kid) && jinja_print(r, &s, v) && jinja_room(r, s.text.n, 1);
    }
    return jinja_take(r, out, &s, ok);
}

static bool eval_cond(Run *r, Value *out, const Node *n)
{
    static const char why[] = "an inline if without else was false";
    Value test;
    if (!jinja_eval(r, &test, n->a))
        return false;
    if (jinja_truth(test))
        return jinja_eval(r, out, n->b);
    if (n->c)
        return jinja_eval(r, out, n->c);
    *out = jinja_undefined(WHY_HINT, why, sizeof why - 1);
    return true;
}

bool jinja_eval(Run *r, Value *out, const Node *n)
{
    static bool (*const table[NODE_KINDS])(Run * r, Value * out, const Node *n) = {
        [EX_CONST] = eval_const,   [EX_NAME] = eval_name,     [EX_LIST] = eval_seq,    [EX_TUPLE] = eval_seq,
        [EX_DICT] = eval_dict,     [EX_ATTR] = eval_attr,     [EX_ITEM] = eval_item,   [EX_SLICE] = eval_slice,
        [EX_CALL] = eval_call,     [EX_FILTER] = eval_filter, [EX_TEST] = eval_filter, [EX_UNARY] = eval_unary,
        [EX_BINARY] = eval_binary, [EX_AND] = eval_logic,     [EX_OR] = eval_logic,    [EX_COMPARE] = eval_compare,
        [EX_CONCAT] = eval_concat, [EX_COND] = eval_cond,
    };
    if (!jinja_enter(r) || !jinja_spend(r, 1))
        return false;
    int line = r->line;
    r->line = n->line;
    if (!table[n->kind](r, out, n))
        return false;
    r->line = line;
    r->depth--;
    return true;
}
