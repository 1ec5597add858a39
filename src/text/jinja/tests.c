/* The tests: `is defined`, `is even`, ... */
#include "text/jinja/tests.h"

#include "text/jinja/compare.h"
#include "text/jinja/ops.h"

static bool is_kind(Value *out, bool yes)
{
    *out = jinja_bool(yes);
    return true;
}

/* --- what a value is --------------------------------------------------------------------------------- */

static bool test_kind(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, (int)c->self.kind == c->how);
}

static bool test_truth(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_BOOL && c->self.yes == c->how);
}

static bool test_defined(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind != V_UNDEFINED);
}

static bool test_number(Run *r, Value *out, Call *c)
{
    long double x;
    (void)r;
    return is_kind(out, jinja_number(c->self, &x));
}

static bool test_escaped(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_TEXT && c->self.flag);
}

/* With a length and items by index: undefined values pass in Jinja too. */
static bool test_sequence(Run *r, Value *out, Call *c)
{
    Kind k = c->self.kind;
    (void)r;
    return is_kind(out, k == V_TEXT || k == V_LIST || k == V_TUPLE || k == V_RANGE || k == V_DICT || k == V_UNDEFINED);
}

static bool test_iterable(Run *r, Value *out, Call *c)
{
    Kind k = c->self.kind;
    (void)r;
    return is_kind(out, (k >= V_TEXT && k <= V_DICT) || k == V_UNDEFINED || k == V_LOOP);
}

static bool test_callable(Run *r, Value *out, Call *c)
{
    Kind k = c->self.kind;
    (void)r;
    return is_kind(out, k >= V_LOOP || k == V_UNDEFINED);
}

/* --- numbers ----------------------------------------------------------------------------------------- */

/* Is the value modulo n the rest? */
static bool modulo(Run *r, Value *out, Value v, Value n, int rest)
{
    Value left;
    bool yes;
    if (!jinja_binary(r, &left, OP_MOD, v, n) || !jinja_equal(r, &yes, left, jinja_int(rest)))
        return false;
    return is_kind(out, yes);
}

static bool test_parity(Run *r, Value *out, Call *c)
{
    return modulo(r, out, c->self, jinja_int(2), c->how);
}

static bool test_divisibleby(Run *r, Value *out, Call *c)
{
    return modulo(r, out, c->self, c->arg[0], 0);
}

/* --- comparisons ------------------------------------------------------------------------------------- */

static bool test_compare(Run *r, Value *out, Call *c)
{
    bool yes;
    if (!jinja_compare(r, &yes, (Op)c->how, c->self, c->arg[0]))
        return false;
    return is_kind(out, yes);
}

/* The same object: certain for none, booleans and containers; for numbers and texts Python's answer depends
 * on how it stores them. */
static bool test_sameas(Run *r, Value *out, Call *c)
{
    Value a = c->self, b = c->arg[0];
    if (a.kind != b.kind)
        return is_kind(out, false);
    if (a.kind == V_INT || a.kind == V_FLOAT || a.kind == V_TEXT || a.kind == V_UNDEFINED || a.kind == V_METHOD)
        return jinja_fail_value(r, "sameas is not supported for", a);
    return is_kind(out, a.kind == V_NONE || (a.kind == V_BOOL ? a.yes == b.yes : a.seq == b.seq));
}

/* --- the table --------------------------------------------------------------------------------------- */

const Builtin *jinja_test(const char *name, size_t n)
{
    static const Builtin table[] = {
        {"boolean", "", .fn = test_kind, .how = V_BOOL},
        {"callable", "/", .fn = test_callable},
        {"defined", "", .fn = test_defined},
        {"divisibleby", "num", .fn = test_divisibleby},
        {"escaped", "", .fn = test_escaped},
        {"even", "", .fn = test_parity},
        {"false", "", .fn = test_truth, .how = false},
        {"float", "", .fn = test_kind, .how = V_FLOAT},
        {"in", "seq", .fn = test_compare, .how = OP_IN},
        {"integer", "", .fn = test_kind, .how = V_INT},
        {"iterable", "", .fn = test_iterable},
        {"mapping", "", .fn = test_kind, .how = V_DICT},
        {"none", "", .fn = test_kind, .how = V_NONE},
        {"number", "", .fn = test_number},
        {"odd", "", .fn = test_parity, .how = 1},
        {"sameas", "other", .fn = test_sameas},
        {"sequence", "", .fn = test_sequence},
        {"string", "", .fn = test_kind, .how = V_TEXT},
        {"true", "", .fn = test_truth, .how = true},
        {"undefined", "", .fn = test_kind, .how = V_UNDEFINED},
        {"==", "/ other", .fn = test_compare, .how = OP_EQ},
        {"eq", "/ other", .fn = test_compare, .how = OP_EQ},
        {"equalto", "/ other", .fn = test_compare, .how = OP_EQ},
        {"!=", "/ other", .fn = test_compare, .how = OP_NE},
        {"ne", "/ other", .fn = test_compare, .how = OP_NE},
        {"<", "/ other", .fn = test_compare, .how = OP_LT},
        {"lt", "/ other", .fn = test_compare, .how = OP_LT},
        {"lessthan", "/ other", .fn = test_compare, .how = OP_LT},
        {"<=", "/ other", .fn = test_compare, .how = OP_LE},
        {"le", "/ other", .fn = test_compare, .how = OP_LE},
        {">", "/ other", .fn = test_compare, .how = OP_GT},
        {"gt", "/ other", .fn = test_compare, .how = OP_GT},
        {"greaterthan", "/ other", .fn = test_compare, .how = OP_GT},
        {">=", "/ other", .fn = test_compare, .how = OP_GE},
        {"ge", "/ other", .fn = test_compare, .how = OP_GE},
    };
    return jinja_find(table, COUNT(table), name, n);
}
