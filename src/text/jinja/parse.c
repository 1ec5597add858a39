/* Statements to nodes, and what only the whole template tells: whether every function that it calls exists. */
#include "text/jinja/parse.h"

#include "text/jinja/call.h"
#include "text/jinja/operand.h"

/* --- targets of assignments -------------------------------------------------------------------------- */

/* A name that is assigned. Jinja gives some names a meaning of their own. */
static bool store_name(Parser *p, const char *name)
{
    static const char *const special[] = {"loop", "caller", "varargs", "kwargs", "self", "super"};
    for (int i = 0; i < COUNT(special); i++)
        if (strcmp(name, special[i]) == 0)
            return jinja_error(p->err, p->token->line, "assigning to \"%s\" is not supported", name);
    jinja_dict_set(p->pool, &p->stored, jinja_literal(name), jinja_none());
    return true;
}

static bool assignable(Parser *p, const Node *n)
{
    if (n->kind == EX_NSREF)
        return true;
    if (n->kind == EX_NAME)
        return store_name(p, n->name);
    if (n->kind != EX_TUPLE)
        return jinja_error(p->err, n->line,
                           "only a name, a tuple of names or a namespace's attribute "
                           "can be assigned to");
    for (const Node *kid = n->kids; kid; kid = kid->next)
        if (!assignable(p, kid))
            return false;
    return true;
}

static bool parse_target(Parser *p, Node **out, int flags, const char *end_name)
{
    return jinja_parse_tuple(p, out, TUPLE_TARGET | flags, end_name) && assignable(p, *out);
}

static bool plain_name(Parser *p, const char **name)
{
    return jinja_expect_name(p, name) && store_name(p, *name);
}

/* --- bodies ------------------------------------------------------------------------------------------ */

static bool parse_statement(Parser *p, Node **out);

static bool end_tag(Parser *p)
{
    if (p->token->kind != T_BLOCK_END)
        return jinja_unexpected(p, "\"%}\"");
    p->token++;
    return true;
}

static bool parse_output(Parser *p, Node **out)
{
    *out = jinja_node(p, ST_OUTPUT);
    p->token++;
    if (!jinja_parse_tuple(p, &(*out)->a, 0, NULL))
        return false;
    if (p->token->kind != T_OUTPUT_END)
        return jinja_unexpected(p, "\"}}\"");
    p->token++;
    return true;
}

/* Which of the names (separated by blanks) stands here, from 1; or 0. */
static int which_end(const Token *t, const char *ends)
{
    for (int i = 1; t->kind == T_NAME && *ends; i++) {
        size_t n = strcspn(ends, " ");
        if (t->value.n == n && memcmp(t->value.s, ends, n) == 0)
            return i;
        ends += n + (ends[n] == ' ');
    }
    return 0;
}

/* Statements up to a tag with one of the names `ends`, whose name is skipped and whose number goes to *which;
 * ends "" is the end of the template. */
static bool parse_list(Parser *p, Node **out, const char *ends, int *which)
{
    for (Node **tail = out;;) {
        bool ok = true;
        const Token *t = p->token;
        if (t->kind == T_DATA) {
            *tail = jinja_node(p, ST_TEXT);
            (*tail)->value = t->value;
            p->token++;
        } else if (t->kind == T_OUTPUT_BEGIN) {
            ok = parse_output(p, tail);
        } else if (t->kind == T_BLOCK_BEGIN) {
            p->token++;
            *which = which_end(p->token, ends);
            if (*which) {
                p->token++;
                return true;
            }
            ok = parse_statement(p, tail) && end_tag(p);
        } else {
            *which = 0;
            return !*ends || jinja_error(p->err, t->line, "the template ends where {%% %.*s %%} is needed",
                                         (int)strcspn(ends, " "), ends);
        }
        if (!ok)
            return false;
        tail = &(*tail)->next;
    }
}

/* The end of a tag, then its body. */
static bool parse_body(Parser *p, Node **out, const char *ends, int *which)
{
    if (jinja_is_op(p->token, ":")) /* Jinja lets one stand there */
        p->token++;
    return end_tag(p) && parse_list(p, out, ends, which);
}

/* --- statements -------------------------------------------------------------------------------------- */

static bool parse_branches(Parser *p, Node *n)
{
    int which;
    for (;;) {
        n->kind = ST_IF;
        if (!jinja_parse_tuple(p, &n->a, TUPLE_NO_IF, NULL) || !parse_body(p, &n->kids, "endif else elif", &which))
            return false;
        if (which == 1)
            return true;
        if (which == 2)
            return parse_body(p, &n->orelse, "endif", &which);
        n = n->orelse = jinja_node(p, ST_IF);
    }
}

static bool parse_if(Parser *p, Node *n)
{
    p->soft++;
    bool ok = parse_branches(p, n);
    p->soft--;
    return ok;
}

static bool parse_for(Parser *p, Node *n)
{
    int which;
    n->kind = ST_FOR;
    if (!parse_target(p, &n->a, 0, "in"))
        return false;
    if (!jinja_skip_name(p, "in"))
        return jinja_unexpected(p, "\"in\"");
    if (!jinja_parse_tuple(p, &n->b, TUPLE_NO_IF, "recursive") ||
        (jinja_skip_name(p, "if") && !jinja_parse_expression(p, &n->c)))
        return false;
    if (jinja_is_name(p->token, "recursive"))
        return jinja_error(p->err, p->token->line, "a recursive loop is not supported");
    p->loops++;
    bool ok = parse_body(p, &n->kids, "endfor else", &which);
    p->loops--;
    return ok && (which == 1 || parse_body(p, &n->orelse, "endfor", &which));
}

static bool parse_set(Parser *p, Node *n)
{
    int which;
    n->kind = ST_SET;
    if (!parse_target(p, &n->a, TUPLE_NAMESPACE, NULL))
        return false;
    if (jinja_is_op(p->token, "=")) {
        p->token++;
        return jinja_parse_tuple(p, &n->b, 0, NULL);
    }
    n->kind = ST_SET_BLOCK;
    return jinja_parse_filters(p, &n->b, false) && parse_body(p, &n->kids, "endset", &which);
}

static bool parse_signature(Parser *p, Node **params)
{
    Node **tail = params;
    bool defaults = false;
    if (!jinja_expect_op(p, "("))
        return false;
    while (!jinja_is_op(p->token, ")")) {
        if (*params && !jinja_expect_op(p, ","))
            return false;
        Node *n = *tail = jinja_node(p, EX_NAME);
        tail = &n->next;
        if (!plain_name(p, &n->name))
            return false;
        for (const Node *before = *params; before != n; before = before->next)
            if (before->name == n->name)
                return jinja_error(p->err, n->line, "two parameters are called \"%s\"", n->name);
        if (jinja_is_op(p->token, "=")) {
            p->token++;
            defaults = true;
            if (!jinja_parse_expression(p, &n->a))
                return false;
        } else if (defaults) {
            return jinja_error(p->err, n->line, "the parameter \"%s\" has no default but follows one that has",
                               n->name);
        }
    }
    return jinja_expect_op(p, ")");
}

/* The body of a macro or call block: loops around it are none of its own. */
static bool parse_macro_body(Parser *p, Node *n, const char *end)
{
    int which, loops = p->loops, uses = p->uses;
    p->loops = p->uses = 0;
    p->macro_depth++;
    bool ok = parse_body(p, &n->kids, end, &which);
    p->macro_depth--;
    p->loops = loops;
    n->flag = p->uses;
    p->uses |= uses;
    return ok;
}

static bool parse_macro(Parser *p, Node *n)
{
    n->kind = ST_MACRO;
    return plain_name(p, &n->name) && parse_signature(p, &n->params) && parse_macro_body(p, n, "endmacro");
}

static bool parse_call_block(Parser *p, Node *n)
{
    n->kind = ST_CALL;
    if (jinja_is_op(p->token, "(") && !parse_signature(p, &n->params))
        return false;
    if (!jinja_parse_expression(p, &n->a))
        return false;
    if (n->a->kind != EX_CALL)
        return jinja_error(p->err, n->line, "{%% call %%} needs the call of a macro");
    return parse_macro_body(p, n, "endcall");
}

static bool parse_filter_block(Parser *p, Node *n)
{
    int which;
    n->kind = ST_FILTER;
    return jinja_parse_filters(p, &n->b, true) && parse_body(p, &n->kids, "endfilter", &which);
}

static bool parse_with(Parser *p, Node *n)
{
    int which;
    Node **tail = &n->params;
    n->kind = ST_WITH;
    while (p->token->kind != T_BLOCK_END && !jinja_is_op(p->token, ":")) {
        if (n->params && !jinja_expect_op(p, ","))
            return false;
        Node *pair = *tail = jinja_node(p, ST_SET);
        tail = &pair->next;
        if (!parse_target(p, &pair->a, 0, NULL) || !jinja_expect_op(p, "=") || !jinja_parse_expression(p, &pair->b))
            return false;
    }
    return parse_body(p, &n->kids, "endwith", &which);
}

/* What an assistant said, for masks of its tokens; its text passes through. The body is its own scope, and a
 * loop around it cannot be left from inside. */
static bool parse_generation(Parser *p, Node *n)
{
    int which, loops = p->loops;
    n->kind = ST_SCOPE;
    p->loops = 0;
    bool ok = end_tag(p) && parse_list(p, &n->kids, "endgeneration", &which);
    p->loops = loops;
    return ok;
}

static bool parse_leave(Parser *p, Node *n)
{
    n->kind = jinja_is_name(p->token - 1, "break") ? ST_BREAK : ST_CONTINUE;
    return p->loops || jinja_error(p->err, n->line, "{%% %s %%} stands outside of a loop",
                                   n->kind == ST_BREAK ? "break" : "continue");
}

static bool parse_statement(Parser *p, Node **out)
{
    static const struct {
        const char *name;
        bool (*parse)(Parser *p, Node *n);
    } table[] = {{"if", parse_if},           {"for", parse_for},
                 {"set", parse_set},         {"macro", parse_macro},
                 {"call", parse_call_block}, {"filter", parse_filter_block},
                 {"with", parse_with},       {"generation", parse_generation},
                 {"break", parse_leave},     {"continue", parse_leave}};
    const Token *t = p->token;
    Node *n = *out = jinja_node(p, ST_TEXT);
    if (t->kind != T_NAME)
        return jinja_unexpected(p, "the name of a tag");
    if (!jinja_enter_source(p))
        return false;
    for (int i = 0; i < COUNT(table); i++)
        if (jinja_is_name(t, table[i].name)) {
            p->token++;
            bool ok = table[i].parse(p, n);
            p->depth--;
            return ok;
        }
    if (t->value.n > 3 && memcmp(t->value.s, "end", 3) == 0)
        return jinja_error(p->err, t->line, "the tag \"%.*s\" closes nothing", (int)t->value.n, t->value.s);
    return jinja_error(p->err, t->line, "the tag \"%.*s\" is not supported", (int)t->value.n, t->value.s);
}

/* --- the whole --------------------------------------------------------------------------------------- */

/* Every function called by name is one of ours, or a name that the template assigns, or one that it asks
 * about with `is defined`. */
static bool check_calls(Parser *p)
{
    static const char *const given[] = {"caller", "loop"};
    for (const Node *n = p->calls; n; n = n->next) {
        size_t length = strlen(n->name);
        bool known = n->builtin && n->builtin->fn;
        for (int i = 0; i < COUNT(given); i++)
            known |= strcmp(n->name, given[i]) == 0;
        if (!known && !jinja_dict_name(&p->stored, n->name, length) && !jinja_dict_name(&p->tested, n->name, length))
            return jinja_no_function(p->err, n->line, n->name);
    }
    return true;
}

bool jinja_parse(Pool *pool, Names *names, const char *source, Node **out, Err *err)
{
    Token *tokens;
    *out = NULL;
    names->pool = pool;
    names->loop = jinja_intern(names, "loop", 4);
    names->caller = jinja_intern(names, "caller", 6);
    names->varargs = jinja_intern(names, "varargs", 7);
    names->kwargs = jinja_intern(names, "kwargs", 6);
    if (!jinja_lex(pool, source, &tokens, err))
        return false;
    Parser p = {.pool = pool, .err = err, .names = names, .token = tokens};
    int which;
    if (!parse_list(&p, out, "", &which))
        return false;
    if (p.missing.name)
        return jinja_error(err, p.missing.line, "the %s \"%s\" is not supported", p.missing.what, p.missing.name);
    return check_calls(&p);
}
