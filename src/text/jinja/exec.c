/* Statements: output, scopes, assignments, loops, macros' definitions.
 *
 * Scopes are Jinja's: a loop's iteration, a macro's call, and the bodies of with, filter, set, call and
 * generation have one each; `if` has none. A name is looked up outwards, an assignment stays inside. */
#include "text/jinja/exec.h"

#include "text/jinja/compare.h"
#include "text/jinja/eval.h"
#include "text/jinja/loop.h"
#include "text/jinja/print.h"

/* --- output ------------------------------------------------------------------------------------------ */

static bool write_out(Run *r, Value text)
{
    if (r->out->text.n + text.n > JINJA_OUTPUT)
        return jinja_fail(r, "more than %d MB of text", JINJA_OUTPUT >> 20);
    tainted_add(r->out, text.s, text.n, text.taint);
    return jinja_spend(r, 1 + text.n / 64);
}

static bool exec_text(Run *r, const Node *n)
{
    return write_out(r, n->value);
}

static bool exec_output(Run *r, const Node *n)
{
    Value v, text;
    return jinja_eval(r, &v, n->a) && jinja_to_text(r, &text, v) && write_out(r, text);
}

/* --- scopes and assignments -------------------------------------------------------------------------- */

static bool assign(Run *r, const Node *target, Value v);

static bool unpack(Run *r, const Node *target, Value v)
{
    Seq *items;
    size_t wanted = 0;
    for (const Node *kid = target->kids; kid; kid = kid->next)
        wanted++;
    if (!jinja_collect(r, &items, v))
        return false;
    if (items->n != wanted)
        return jinja_fail(r, "%zu values cannot be assigned to %zu names", items->n, wanted);
    size_t i = 0;
    for (const Node *kid = target->kids; kid; kid = kid->next)
        if (!assign(r, kid, items->item[i++]))
            return false;
    return true;
}

static bool assign_attribute(Run *r, const Node *target, Value v)
{
    Value namespace;
    Node name = {.kind = EX_NAME, .line = target->line, .name = target->name};
    if (!jinja_eval(r, &namespace, &name))
        return false;
    if (namespace.kind != V_NAMESPACE)
        return jinja_fail(r, "an attribute is assigned to \"%s\", which is no namespace", target->name);
    if (target->value.s[0] == '_')
        return jinja_fail(r, "a namespace's attribute \"%s\" begins with _", target->value.s);
    return jinja_dict_put(r, namespace.dict, target->value, v);
}

static bool assign(Run *r, const Node *target, Value v)
{
    if (target->kind == EX_NSREF)
        return assign_attribute(r, target, v);
    if (target->kind == EX_TUPLE)
        return unpack(r, target, v);
    jinja_bind(r, r->scope, target->name, v);
    return true;
}

static bool exec_set(Run *r, const Node *n)
{
    Value v;
    return jinja_eval(r, &v, n->b) && assign(r, n->a, v);
}

/* The text of the body goes through the filters, which see the body's scope. */
static bool filtered_body(Run *r, Value *out, const Node *n)
{
    Scope *outer = r->scope;
    Value input = r->input;
    r->scope = jinja_scope(r, outer);
    bool ok = jinja_capture(r, out, n->kids);
    if (ok && n->b && r->flow == FLOW_ON) {
        r->input = *out;
        ok = jinja_eval(r, out, n->b);
        r->input = input;
    }
    r->scope = outer;
    return ok;
}

static bool exec_set_block(Run *r, const Node *n)
{
    Value v;
    return filtered_body(r, &v, n) && (r->flow != FLOW_ON || assign(r, n->a, v));
}

/* Filter and call blocks write a text, or nothing else. */
static bool write_text(Run *r, Value v, const char *what)
{
    return jinja_want_text(r, v, what) && write_out(r, v);
}

static bool exec_filter(Run *r, const Node *n)
{
    Value v;
    return filtered_body(r, &v, n) && (r->flow != FLOW_ON || write_text(r, v, "a filter block must make a text, not"));
}

static bool exec_in(Run *r, Scope *scope, const Node *list)
{
    Scope *outer = r->scope;
    r->scope = scope;
    bool ok = jinja_exec(r, list);
    r->scope = outer;
    return ok;
}

static bool exec_scope(Run *r, const Node *n)
{
    return exec_in(r, jinja_scope(r, r->scope), n->kids);
}

/* The values see the scope outside. */
static bool exec_with(Run *r, const Node *n)
{
    Scope *outer = r->scope, *inner = jinja_scope(r, outer);
    for (const Node *pair = n->params; pair; pair = pair->next) {
        Value v;
        if (!jinja_eval(r, &v, pair->b))
            return false;
        r->scope = inner;
        bool ok = assign(r, pair->a, v);
        r->scope = outer;
        if (!ok)
            return false;
    }
    return exec_in(r, inner, n->kids);
}

/* --- branches ---------------------------------------------------------------------------------------- */

static bool exec_if(Run *r, const Node *n)
{
    for (;;) {
        Value test;
        r->line = n->line;
        if (!jinja_eval(r, &test, n->a))
            return false;
        if (jinja_truth(test))
            return jinja_exec(r, n->kids);
        if (!n->orelse || n->orelse->kind != ST_IF || n->orelse->next)
            return jinja_exec(r, n->orelse);
        n = n->orelse;
    }
}

static bool exec_leave(Run *r, const Node *n)
{
    r->flow = n->kind == ST_BREAK ? FLOW_BREAK : FLOW_CONTINUE;
    return true;
}

/* --- macros ------------------------------------------------------------------------------------------ */

static Value macro(Run *r, const Node *n)
{
    Macro *m = jinja_alloc(r->pool, 1, sizeof *m);
    *m = (Macro){n, r->scope};
    return (Value){.kind = V_MACRO, .macro = m};
}

static bool exec_macro(Run *r, const Node *n)
{
    jinja_bind(r, r->scope, n->name, macro(r, n));
    return true;
}

/* {% call m(...) %}: m gets the body as its argument `caller`. */
static bool exec_call(Run *r, const Node *n)
{
    Value callee, out;
    Call c = {0};
    if (!jinja_eval(r, &callee, n->a->a) || !jinja_arguments(r, &c, n->a->kids))
        return false;
    Keyword *kw = jinja_alloc(r->pool, c.nkw + 1, sizeof *kw);
    for (size_t i = 0; i < c.nkw; i++)
        kw[i] = c.kw[i];
    kw[c.nkw++] = (Keyword){"caller", macro(r, n), NULL};
    c.kw = kw;
    return jinja_call(r, &out, callee, &c) && write_text(r, out, "{% call %} must make a text, not");
}

/* --- loops ------------------------------------------------------------------------------------------- */

/* What the targets hold, as Jinja's own filter of a loop gives it on: a tuple is made anew. */
static Value rebuilt(Run *r, const Node *target)
{
    if (target->kind == EX_TUPLE) {
        Seq *items = jinja_seq(r, 2);
        for (const Node *kid = target->kids; kid; kid = kid->next)
            jinja_push(r, items, rebuilt(r, kid));
        return jinja_of_seq(V_TUPLE, items);
    }
    for (int i = 0; i < r->scope->n; i++)
        if (r->scope->var[i].name == target->name)
            return r->scope->var[i].value;
    return jinja_none();
}

/* Does the loop's test let the item through? The item may be made anew. */
static bool passes(Run *r, Loop *loop, bool *yes, Value *item)
{
    Scope *here = r->scope;
    Value v = {0};
    r->scope = jinja_scope(r, loop->outer);
    bool ok = assign(r, loop->node->a, *item) && jinja_eval(r, &v, loop->node->c);
    *yes = ok && jinja_truth(v);
    if (*yes)
        *item = rebuilt(r, loop->node->a);
    r->scope = here;
    return ok;
}

/* The body for the current item; *left is how it was left. What is evaluated next, such as a macro in the loop's
 * test, runs from its own beginning to its end. */
static bool iteration(Run *r, Loop *loop, Scope *scope, Flow *left)
{
    r->scope = scope;
    bool ok = assign(r, loop->node->a, loop->current);
    if (ok) {
        jinja_bind(r, scope, r->names->loop, (Value){.kind = V_LOOP, .loop = loop});
        ok = jinja_exec(r, loop->node->kids);
    }
    r->scope = loop->outer;
    *left = r->flow;
    r->flow = FLOW_ON;
    return ok;
}

static bool exec_for(Run *r, const Node *n)
{
    Value v;
    Scope *scope = jinja_scope(r, r->scope); /* one for all iterations, emptied before each */
    bool nothing = true;
    Flow left = FLOW_ON;
    Loop *loop = jinja_alloc(r->pool, 1, sizeof *loop);
    *loop = (Loop){.node = n, .passes = n->c ? passes : NULL, .outer = r->scope, .index0 = -1, .length = -1};
    if (!jinja_eval(r, &v, n->b) || !jinja_iterate(r, &loop->from, v))
        return false;
    if (!n->c && v.kind != V_ITER)
        loop->length = (int64_t)loop->from->n;
    while (left != FLOW_BREAK) {
        if (!jinja_loop_advance(r, loop))
            return false;
        if (loop->current.kind == V_ABSENT)
            break;
        scope->n = 0;
        if (!iteration(r, loop, scope, &left))
            return false;
        nothing = nothing && left != FLOW_ON;
    }
    /* Jinja's else is for a loop none of whose iterations came to its end. */
    return !nothing || !n->orelse || exec_in(r, jinja_scope(r, r->scope), n->orelse);
}

/* --- the list ---------------------------------------------------------------------------------------- */

bool jinja_exec(Run *r, const Node *list)
{
    static bool (*const table[NODE_KINDS])(Run * r, const Node *n) = {
        [ST_TEXT] = exec_text,      [ST_OUTPUT] = exec_output,       [ST_IF] = exec_if,       [ST_FOR] = exec_for,
        [ST_SET] = exec_set,        [ST_SET_BLOCK] = exec_set_block, [ST_MACRO] = exec_macro, [ST_CALL] = exec_call,
        [ST_FILTER] = exec_filter,  [ST_WITH] = exec_with,           [ST_SCOPE] = exec_scope, [ST_BREAK] = exec_leave,
        [ST_CONTINUE] = exec_leave,
    };
    if (!jinja_enter(r))
        return false;
    int line = r->line;
    for (const Node *n = list; n && r->flow == FLOW_ON; n = n->next) {
        r->line = n->line;
        if (!jinja_spend(r, 1) || !table[n->kind](r, n))
            return false;
    }
    r->line = line;
    r->depth--;
    return true;
}
