/* Expressions: every kind of node to its value; arguments of calls, and macros. */
#include "text/jinja/eval.h"

#include "text/jinja/compare.h"
#include "text/jinja/ops.h"
#include "text/jinja/print.h"
#include "text/jinja/text.h"

/* --- names, literals, parts of values ---------------------------------------------------------------- */

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

/* --- arguments --------------------------------------------------------------------------------------- */

static bool add_keyword(Run *r, Call *c, const char *name, Value v, const char *taint)
{
    if (jinja_keyword(c, name, strlen(name)))
        return jinja_fail(r, "the argument \"%.60s\" is given twice", name);
    if ((c->nkw & (c->nkw - 1)) == 0) { /* full at every power of two */
        Keyword *kw = jinja_alloc(r->pool, c->nkw ? 2 * c->nkw : 1, sizeof *kw);
        if (c->nkw)
            memcpy(kw, c->kw, c->nkw * sizeof *kw);
        c->kw = kw;
    }
    c->kw[c->nkw++] = (Keyword){name, v, taint};
    return jinja_spend(r, 1 + c->nkw / 64);
}

/* The items of `list` as positional arguments. */
static bool spread_list(Run *r, Seq *pos, Value list)
{
    Seq *items;
    if (!jinja_collect(r, &items, list))
        return false;
    for (size_t i = 0; i < items->n; i++)
        jinja_push(r, pos, items->item[i]);
    return true;
}

/* The pairs of `dict` as arguments by name. */
static bool spread_dict(Run *r, Call *c, Value dict)
{
    if (dict.kind != V_DICT)
        return jinja_fail_value(r, "\"**\" before an argument needs a dict, not", dict);
    for (size_t i = 0; i < dict.dict->n; i++) {
        Value key = dict.dict->pair[i].key;
        if (!jinja_want_text(r, key, "an argument's name cannot be") ||
            !add_keyword(r, c, jinja_keep(r->pool, key.s, key.n), dict.dict->pair[i].value, key.taint))
            return false;
    }
    return true;
}

bool jinja_arguments(Run *r, Call *c, const Node *kids)
{
    Seq *pos = jinja_seq(r, 0);
    for (const Node *kid = kids; kid; kid = kid->next) {
        bool plain = kid->kind != EX_KEYWORD && kid->kind != EX_SPREAD, ok = true;
        Value v;
        if (!jinja_eval(r, &v, plain ? kid : kid->a))
            return false;
        if (kid->kind == EX_KEYWORD)
            ok = add_keyword(r, c, kid->name, v, NULL);
        else if (plain)
            jinja_push(r, pos, v);
        else
            ok = kid->flag ? spread_dict(r, c, v) : spread_list(r, pos, v);
        if (!ok)
            return false;
    }
    c->pos = pos->item;
    c->npos = pos->n;
    return true;
}

/* --- macros ------------------------------------------------------------------------------------------ */

/* Parameters from positions and keywords, V_ABSENT where neither gives one. *used marks the keywords taken. */
static size_t bind_parameters(Run *r, Scope *s, const Node *params, const Call *c, bool *used)
{
    size_t at = 0;
    for (const Node *p = params; p; p = p->next, at++) {
        const Keyword *kw = at < c->npos ? NULL : jinja_keyword(c, p->name, strlen(p->name));
        jinja_bind(r, s, p->name, at < c->npos ? c->pos[at] : kw ? kw->value : (Value){0});
        if (kw)
            used[kw - c->kw] = true;
    }
    return at;
}

/* caller, kwargs and varargs, where the body speaks of them; what is left over otherwise is an error. */
static bool bind_special(Run *r, Scope *s, const Node *n, const Call *c, bool *used, size_t params)
{
    static const char no_caller[] = "there is no caller: the macro was not called by {% call %}";
    const Keyword *caller = jinja_keyword(c, "caller", 6);
    if (n->flag & USES_CALLER) {
        if (caller)
            used[caller - c->kw] = true;
        bool given = caller && caller->value.kind != V_NONE;
        jinja_bind(r, s, r->names->caller,
                   given ? caller->value : jinja_undefined(WHY_HINT, no_caller, sizeof no_caller - 1));
    }
    Dict *rest = jinja_alloc(r->pool, 1, sizeof *rest);
    for (size_t i = 0; i < c->nkw; i++) {
        if (!used[i] && !(n->flag & USES_KWARGS))
            return jinja_fail(r, "the macro takes no argument \"%s\"", c->kw[i].name);
        if (!used[i] && !jinja_dict_put(r, rest, jinja_name(&c->kw[i]), c->kw[i].value))
            return false;
    }
    if (n->flag & USES_KWARGS)
        jinja_bind(r, s, r->names->kwargs, (Value){.kind = V_DICT, .dict = rest});
    if (c->npos > params && !(n->flag & USES_VARARGS))
        return jinja_fail(r, "the macro takes at most %zu arguments, has %zu", params, c->npos);
    Seq *more = jinja_seq(r, 0);
    for (size_t i = params; i < c->npos; i++)
        jinja_push(r, more, c->pos[i]);
    if (n->flag & USES_VARARGS)
        jinja_bind(r, s, r->names->varargs, jinja_of_seq(V_TUPLE, more));
    return true;
}

/* Defaults are made at the call, in the macro's scope, one after the other. */
static bool bind_defaults(Run *r, Scope *s, const Node *params)
{
    int at = 0;
    for (const Node *p = params; p; p = p->next, at++) {
        Value v = s->var[at].value;
        if (v.kind != V_ABSENT)
            continue;
        if (!p->a)
            v = jinja_undefined(WHY_NAME, p->name, strlen(p->name));
        else if (!jinja_eval(r, &v, p->a))
            return false;
        s->var[at].value = v;
    }
    return true;
}

bool jinja_capture(Run *r, Value *out, const Node *list)
{
    Tainted s = {0}, *before = r->out;
    r->out = &s;
    bool ok = r->run_body(r, list);
    r->out = before;
    return jinja_take(r, out, &s, ok);
}

static bool call_macro(Run *r, Value *out, const Macro *m, const Call *c)
{
    const Node *n = m->node;
    Scope *before = r->scope, *s = jinja_scope(r, m->scope);
    bool *used = jinja_alloc(r->pool, c->nkw + 1, sizeof *used);
    size_t params = bind_parameters(r, s, n->params, c, used);
    if (!bind_special(r, s, n, c, used, params))
        return false;
    r->scope = s;
    bool ok = bind_defaults(r, s, n->params) && jinja_capture(r, out, n->kids);
    r->scope = before;
    return ok;
}

bool jinja_call(Run *r, Value *out, Value callee, Call *c)
{
    if (callee.kind == V_MACRO)
        return call_macro(r, out, callee.macro, c);
    if (callee.kind == V_METHOD) {
        c->self = callee.method->self;
        return jinja_apply(r, out, callee.method->fn, c);
    }
    if (callee.kind == V_FUNCTION && callee.fn->fn)
        return jinja_apply(r, out, callee.fn, c);
    if (callee.kind == V_FUNCTION)
        return jinja_no_function(r->err, r->line, callee.fn->name);
    return jinja_fail_value(r, "the template calls", callee);
}

/* --- calls, operators -------------------------------------------------------------------------------- */

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
