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

static bool test_defined(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind != V_UNDEFINED);
}

static bool test_undefined(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_UNDEFINED);
}

static bool test_none(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_NONE);
}

static bool test_boolean(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_BOOL);
}

static bool test_true(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_BOOL && c->self.yes);
}

static bool test_false(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_BOOL && !c->self.yes);
}

static bool test_integer(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_INT);
}

static bool test_float(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_FLOAT);
}

static bool test_number(Run *r, Value *out, Call *c)
{
    long double x;
    (void)r;
    return is_kind(out, jinja_number(c->self, &x));
}

static bool test_string(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_TEXT);
}

static bool test_escaped(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_TEXT && c->self.flag);
}

static bool test_mapping(Run *r, Value *out, Call *c)
{
    (void)r;
    return is_kind(out, c->self.kind == V_DICT);
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
static bool modulo(Run *r, Value *out, Value v, Value n, int64_t rest)
{
    Value left;
    bool yes;
    if (!jinja_binary(r, &left, OP_MOD, v, n) || !jinja_equal(r, &yes, left, jinja_int(rest)))
        return false;
    return is_kind(out, yes);
}

static bool test_odd(Run *r, Value *out, Call *c)
{
    return modulo(r, out, c->self, jinja_int(2), 1);
}

static bool test_even(Run *r, Value *out, Call *c)
{
    return modulo(r, out, c->self, jinja_int(2), 0);
}

static bool test_divisibleby(Run *r, Value *out, Call *c)
{
    return modulo(r, out, c->self, c->arg[0], 0);
}

/* --- comparisons ------------------------------------------------------------------------------------- */

static bool compare(Run *r, Value *out, Call *c, Op op)
{
    bool yes;
    if (!jinja_compare(r, &yes, op, c->self, c->arg[0]))
        return false;
    return is_kind(out, yes);
}

static bool test_eq(Run *r, Value *out, Call *c)
{
    return compare(r, out, c, OP_EQ);
}

static bool test_ne(Run *r, Value *out, Call *c)
{
    return compare(r, out, c, OP_NE);
}

static bool test_lt(Run *r, Value *out, Call *c)
{
    return compare(r, out, c, OP_LT);
}

static bool test_le(Run *r, Value *out, Call *c)
{
    return compare(r, out, c, OP_LE);
}

static bool test_gt(Run *r, Value *out, Call *c)
{
    return compare(r, out, c, OP_GT);
}

static bool test_ge(Run *r, Value *out, Call *c)
{
    return compare(r, out, c, OP_GE);
}

static bool test_in(Run *r, Value *out, Call *c)
{
    return compare(r, out, c, OP_IN);
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
        {"boolean", "", test_boolean},
        {"callable", "/", test_callable},
        {"defined", "", test_defined},
        {"divisibleby", "num", test_divisibleby},
        {"escaped", "", test_escaped},
        {"even", "", test_even},
        {"false", "", test_false},
        {"float", "", test_float},
        {"in", "seq", test_in},
        {"integer", "", test_integer},
        {"iterable", "", test_iterable},
        {"mapping", "", test_mapping},
        {"none", "", test_none},
        {"number", "", test_number},
        {"odd", "", test_odd},
        {"sameas", "other", test_sameas},
        {"sequence", "", test_sequence},
        {"string", "", test_string},
        {"true", "", test_true},
        {"undefined", "", test_undefined},
        {"==", "/ other", test_eq},
        {"eq", "/ other", test_eq},
        {"equalto", "/ other", test_eq},
        {"!=", "/ other", test_ne},
        {"ne", "/ other", test_ne},
        {"<", "/ other", test_lt},
        {"lt", "/ other", test_lt},
        {"lessthan", "/ other", test_lt},
        {"<=", "/ other", test_le},
        {"le", "/ other", test_le},
        {">", "/ other", test_gt},
        {"gt", "/ other", test_gt},
        {"greaterthan", "/ other", test_gt},
        {">=", "/ other", test_ge},
        {"ge", "/ other", test_ge},
    };
    return jinja_find(table, COUNT(table), name, n);
}
