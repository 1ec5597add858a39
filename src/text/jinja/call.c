/* Calls: arguments to parameters, macros, and the global functions. */
#include "text/jinja/jinja.h"

bool jinja_is_text(Value v, const char *s)
{
    size_t n = strlen(s);
    return v.kind == V_TEXT && v.n == n && memcmp(v.s, s, n) == 0;
}

const Builtin *jinja_find(const Builtin *table, int n, const char *name, size_t length)
{
    for (int i = 0; i < n; i++)
        if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

bool jinja_want_text(Run *r, Value v, const char *what)
{
    return v.kind == V_TEXT || jinja_fail_value(r, what, v);
}

bool jinja_want_int(Run *r, int64_t *out, Value v, const char *what)
{
    *out = v.kind == V_BOOL ? v.yes : v.i;
    return v.kind == V_BOOL || v.kind == V_INT || jinja_fail_value(r, what, v);
}

/* --- arguments --------------------------------------------------------------------------------------- */

static const Keyword *keyword(const Call *c, const char *name, size_t n)
{
    for (size_t i = 0; i < c->nkw; i++)
        if (strlen(c->kw[i].name) == n && memcmp(c->kw[i].name, name, n) == 0)
            return &c->kw[i];
    return NULL;
}

static bool add_keyword(Run *r, Call *c, const char *name, Value v, const char *taint)
{
    if (keyword(c, name, strlen(name)))
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

/* The next of the words in a parameter list, without its "?"; *optional tells that there was one. */
static size_t next_word(const char **word, const char *params, bool *optional)
{
    *word = params + strspn(params, " /");
    size_t n = strcspn(*word, " ");
    *optional = n > 0 && (*word)[n - 1] == '?';
    return n - *optional;
}

static bool has_parameter(const Builtin *b, const char *name)
{
    const char *word;
    bool optional;
    size_t n = next_word(&word, b->params, &optional);
    for (; n > 0; n = next_word(&word, word + n + optional, &optional))
        if (strlen(name) == n && memcmp(word, name, n) == 0)
            return true;
    return false;
}

/* The given arguments to c->arg, by the words of b->params. */
static bool bind(Run *r, const Builtin *b, Call *c)
{
    const char *word;
    bool optional, named = b->params[0] != '/';
    size_t at = 0, n = next_word(&word, b->params, &optional);
    for (; n > 0; n = next_word(&word, word + n + optional, &optional), at++) {
        const Keyword *kw = named ? keyword(c, word, n) : NULL;
        if (kw && at < c->npos)
            return jinja_fail(r, "\"%s\" is given \"%s\" twice", b->name, kw->name);
        if (!kw && at >= c->npos && !optional)
            return jinja_fail(r, "\"%s\" needs the argument \"%.*s\"", b->name, (int)n, word);
        c->arg[at] = at < c->npos ? c->pos[at] : kw ? kw->value : (Value){0};
    }
    if (c->npos > at)
        return jinja_fail(r, "\"%s\" takes at most %zu arguments, has %zu", b->name, at, c->npos);
    for (size_t i = 0; i < c->nkw; i++)
        if (!named || !has_parameter(b, c->kw[i].name))
            return jinja_fail(r, "\"%s\" takes no argument \"%s\"", b->name, c->kw[i].name);
    return true;
}

bool jinja_apply(Run *r, Value *out, const Builtin *b, Call *c)
{
    if (b->params[0] != '*' && !bind(r, b, c))
        return false;
    return b->fn(r, out, c);
}

/* --- macros ------------------------------------------------------------------------------------------ */

/* Parameters from positions and keywords, V_ABSENT where neither gives one. *used marks the keywords taken. */
static size_t bind_parameters(Run *r, Scope *s, const Node *params, const Call *c, bool *used)
{
    size_t at = 0;
    for (const Node *p = params; p; p = p->next, at++) {
        const Keyword *kw = at < c->npos ? NULL : keyword(c, p->name, strlen(p->name));
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
    const Keyword *caller = keyword(c, "caller", 6);
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

/* --- global functions -------------------------------------------------------------------------------- */

/* Items of range(from, to, step), or one more than it may have. */
static size_t range_length(int64_t from, int64_t to, int64_t step)
{
    size_t n = 0;
    for (int64_t i = from; n <= JINJA_RANGE && (step > 0 ? i < to : i > to); n++)
        if (__builtin_add_overflow(i, step, &i))
            return n + 1;
    return n;
}

static bool call_range(Run *r, Value *out, Call *c)
{
    int64_t bound[3] = {0, 0, 1};
    for (int i = 0; i < 3; i++)
        if (c->arg[i].kind != V_ABSENT && !jinja_want_int(r, &bound[i], c->arg[i], "range() needs integers, not"))
            return false;
    if (c->arg[1].kind == V_ABSENT)
        bound[1] = bound[0], bound[0] = 0;
    if (!bound[2])
        return jinja_fail(r, "range() with step 0");
    size_t n = range_length(bound[0], bound[1], bound[2]);
    if (n > JINJA_RANGE)
        return jinja_fail(r, "range() of more than %d items", JINJA_RANGE);
    Seq *q = jinja_seq(r, n);
    for (size_t i = 0; i < n; i++)
        jinja_push(r, q, jinja_int(bound[0] + (int64_t)i * bound[2]));
    *out = jinja_of_seq(V_RANGE, q);
    return jinja_spend(r, n);
}

static bool put_pair(Run *r, Dict *d, Value pair)
{
    Seq *two;
    if (!jinja_collect(r, &two, pair))
        return false;
    if (two->n != 2)
        return jinja_fail(r, "a dict is made of pairs, not of %zu values", two->n);
    return jinja_dict_put(r, d, two->item[0], two->item[1]);
}

static bool call_dict(Run *r, Value *out, Call *c)
{
    Dict *d = jinja_alloc(r->pool, 1, sizeof *d);
    *out = (Value){.kind = V_DICT, .dict = d};
    if (c->npos > 1)
        return jinja_fail(r, "a dict is made of one value, not of %zu", c->npos);
    Value from = c->npos ? c->pos[0] : *out;
    Seq *pairs = jinja_seq(r, 0);
    if (from.kind == V_UNDEFINED || (from.kind != V_DICT && !jinja_iterate(r, &pairs, from)))
        return jinja_fail_value(r, "a dict cannot be made of", from);
    for (size_t i = 0; from.kind == V_DICT && i < from.dict->n; i++)
        if (!jinja_dict_put(r, d, from.dict->pair[i].key, from.dict->pair[i].value))
            return false;
    while (pairs->at < pairs->n)
        if (!put_pair(r, d, pairs->item[pairs->at++]))
            return false;
    for (size_t i = 0; i < c->nkw; i++)
        if (!jinja_dict_put(r, d, jinja_name(&c->kw[i]), c->kw[i].value))
            return false;
    return true;
}

static bool call_namespace(Run *r, Value *out, Call *c)
{
    if (!call_dict(r, out, c))
        return false;
    out->kind = V_NAMESPACE;
    for (size_t i = 0; i < out->dict->n; i++) {
        Value key = out->dict->pair[i].key;
        if (key.kind == V_TEXT && key.n && key.s[0] == '_')
            return jinja_fail(r, "a namespace's attribute begins with _");
    }
    return true;
}

static bool call_raise(Run *r, Value *out, Call *c)
{
    Value text;
    *out = jinja_none();
    if (!jinja_to_text(r, &text, c->arg[0]))
        return false;
    return jinja_fail(r, "the template refuses the messages: %.*s", text.n > 600 ? 600 : (int)text.n, text.s);
}

const Builtin *jinja_function(const char *name, size_t n)
{
    static const Builtin table[] = {
        {"range", "/ start stop? step?", call_range},
        {"dict", "*", call_dict},
        {"namespace", "*", call_namespace},
        {"raise_exception", "message", call_raise},
        {"strftime_now", "format", jinja_strftime},
        {"cycler", NULL, NULL},
        {"joiner", NULL, NULL},
        {"lipsum", NULL, NULL},
    };
    return jinja_find(table, COUNT(table), name, n);
}
