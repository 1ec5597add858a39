/* Arithmetic, subscripts, slices and attributes, as Python has them on integers of 64 bits.
 *
 * What Python would give and we cannot (larger integers, float powers) is an error. */
#include "text/jinja/ops.h"

#include "text/jinja/compare.h"
#include "text/jinja/format.h"
#include "text/jinja/loop.h"
#include "text/jinja/methods.h"
#include "text/jinja/print.h"
#include "text/jinja/text.h"

/* --- numbers ----------------------------------------------------------------------------------------- */

static bool fail_operands(Run *r, const char *op, Value a, Value b)
{
    if (a.kind == V_UNDEFINED || b.kind == V_UNDEFINED)
        return jinja_fail_undefined(r, a.kind == V_UNDEFINED ? a : b);
    return jinja_fail(r, "\"%s\" is not possible with %s and %s", op, jinja_kind_name(a), jinja_kind_name(b));
}

static bool fail_large(Run *r)
{
    return jinja_fail(r, "an integer of more than 64 bits");
}

static bool power(Run *r, int64_t *out, int64_t base, int64_t exponent)
{
    if (exponent < 0)
        return jinja_fail(r, "\"**\" with a negative exponent is not supported");
    for (*out = 1; exponent; exponent >>= 1) {
        if (exponent & 1 && __builtin_mul_overflow(*out, base, out))
            return fail_large(r);
        if (exponent > 1 && __builtin_mul_overflow(base, base, &base))
            return fail_large(r);
    }
    return true;
}

/* Quotient and remainder that round towards minus infinity. */
static bool divide(Run *r, int64_t *quotient, int64_t *rest, int64_t a, int64_t b)
{
    if (b == 0)
        return jinja_fail(r, "division by zero");
    if (a == INT64_MIN && b == -1)
        return fail_large(r);
    *quotient = a / b;
    *rest = a % b;
    if (*rest && (*rest < 0) != (b < 0)) {
        *quotient -= 1;
        *rest += b;
    }
    return true;
}

static bool true_division(Run *r, Value *out, int64_t a, int64_t b)
{
    const int64_t most = (int64_t)1 << 53; /* beyond it a double has not every integer */
    if (b == 0)
        return jinja_fail(r, "division by zero");
    if (a > most || a < -most || b > most || b < -most)
        return jinja_fail(r, "\"/\" with integers of more than 53 bits is not supported");
    *out = jinja_float((double)a / (double)b);
    return true;
}

static bool ints(Run *r, Value *out, Op op, int64_t a, int64_t b)
{
    int64_t x = 0, rest = 0;
    bool over = false;
    switch (op) {
    case OP_ADD: over = __builtin_add_overflow(a, b, &x); break;
    case OP_SUB: over = __builtin_sub_overflow(a, b, &x); break;
    case OP_MUL: over = __builtin_mul_overflow(a, b, &x); break;
    case OP_DIV: return true_division(r, out, a, b);
    case OP_POW:
        if (!power(r, &x, a, b))
            return false;
        break;
    default:
        if (!divide(r, &x, &rest, a, b))
            return false;
        x = op == OP_MOD ? rest : x;
        break;
    }
    *out = jinja_int(x);
    return !over || fail_large(r);
}

static bool floats(Run *r, Value *out, Op op, double a, double b)
{
    switch (op) {
    case OP_ADD: *out = jinja_float(a + b); return true;
    case OP_SUB: *out = jinja_float(a - b); return true;
    case OP_MUL: *out = jinja_float(a * b); return true;
    case OP_POW: return jinja_fail(r, "\"**\" on floats is not supported");
    default: break;
    }
    if (b == 0)
        return jinja_fail(r, "division by zero");
    if (op == OP_DIV) {
        *out = jinja_float(a / b);
        return true;
    }
    double rest = fmod(a, b), quotient = (a - rest) / b;
    if (rest != 0 && (rest < 0) != (b < 0)) {
        rest += b;
        quotient -= 1;
    } else if (rest == 0) {
        rest = copysign(0, b);
    }
    double whole = quotient != 0 ? floor(quotient) : copysign(0, a / b);
    *out = jinja_float(op == OP_MOD ? rest : quotient - whole > 0.5 ? whole + 1 : whole);
    return true;
}

static int64_t as_int(Value v)
{
    return v.kind == V_BOOL ? v.yes : v.i;
}

static double as_double(Value v)
{
    return v.kind == V_FLOAT ? v.f : (double)as_int(v);
}

/* --- texts and lists --------------------------------------------------------------------------------- */

/* Text marked as safe stays so: what is joined to it is escaped. */
static bool join_texts(Run *r, Value *out, Value a, Value b)
{
    bool marked = a.flag || b.flag;
    if (marked && (!jinja_escape(r, &a, a) || !jinja_escape(r, &b, b)))
        return false;
    if (!jinja_room(r, a.n + b.n, 1))
        return false;
    Tainted s = {0};
    tainted_add(&s, a.s, a.n, a.taint);
    tainted_add(&s, b.s, b.n, b.taint);
    bool ok = jinja_take(r, out, &s, true);
    if (ok)
        out->flag = marked;
    return ok;
}

static bool join_seqs(Run *r, Value *out, Value a, Value b)
{
    size_t n = a.seq->n + b.seq->n;
    if (!jinja_room(r, n, sizeof(Value)) || !jinja_spend(r, n))
        return false;
    Seq *q = jinja_seq(r, n);
    for (size_t i = 0; i < n; i++)
        jinja_push(r, q, i < a.seq->n ? a.seq->item[i] : b.seq->item[i - a.seq->n]);
    *out = jinja_of_seq(a.kind, q);
    return true;
}

/* A text, list or tuple, several times over. */
static bool repeat(Run *r, Value *out, Value v, int64_t times)
{
    size_t one = v.kind == V_TEXT ? v.n : v.seq->n, unit = v.kind == V_TEXT ? 1 : sizeof(Value), n;
    size_t count = times > 0 ? (size_t)times : 0;
    if (__builtin_mul_overflow(one, count, &n))
        n = SIZE_MAX;
    if (!jinja_room(r, n, unit) || !jinja_spend(r, n / (v.kind == V_TEXT ? 64 : 1)))
        return false;
    if (v.kind != V_TEXT) {
        Seq *q = jinja_seq(r, n);
        for (size_t i = 0; i < n; i++)
            jinja_push(r, q, v.seq->item[i % one]);
        *out = jinja_of_seq(v.kind, q);
        return true;
    }
    Tainted s = {0};
    for (size_t i = 0; i < (one ? count : 0); i++)
        tainted_add(&s, v.s, v.n, v.taint);
    bool ok = jinja_take(r, out, &s, true);
    if (ok)
        out->flag = v.flag;
    return ok;
}

static bool is_seq(Value v)
{
    return v.kind == V_LIST || v.kind == V_TUPLE;
}

static bool is_int(Value v)
{
    return v.kind == V_INT || v.kind == V_BOOL;
}

bool jinja_binary(Run *r, Value *out, Op op, Value a, Value b)
{
    static const char *const names[] = {"+", "-", "*", "/", "//", "%", "**"};
    long double x;
    if (jinja_number(a, &x) && jinja_number(b, &x)) {
        bool whole = is_int(a) && is_int(b);
        bool ok = whole ? ints(r, out, op, as_int(a), as_int(b)) : floats(r, out, op, as_double(a), as_double(b));
        out->taint = a.taint ? a.taint : b.taint;
        return ok;
    }
    if (op == OP_ADD && a.kind == V_TEXT && b.kind == V_TEXT)
        return join_texts(r, out, a, b);
    if (op == OP_ADD && is_seq(a) && a.kind == b.kind)
        return join_seqs(r, out, a, b);
    if (op == OP_MUL && (a.kind == V_TEXT || is_seq(a)) && is_int(b))
        return repeat(r, out, a, as_int(b));
    if (op == OP_MUL && (b.kind == V_TEXT || is_seq(b)) && is_int(a))
        return repeat(r, out, b, as_int(a));
    if (op == OP_MOD && a.kind == V_TEXT)
        return jinja_format(r, out, a, b);
    return fail_operands(r, names[op], a, b);
}

/* --- subscripts -------------------------------------------------------------------------------------- */

static bool indexable(Value v)
{
    return v.kind == V_TEXT || is_seq(v) || v.kind == V_RANGE;
}

static bool no_item(Value *out, Value key)
{
    static const char why[] = "there is no such item in the value";
    *out =
        key.kind == V_TEXT ? jinja_undefined(WHY_FIELD, key.s, key.n) : jinja_undefined(WHY_HINT, why, sizeof why - 1);
    return true;
}

static bool by_index(Run *r, Value *out, Value v, int64_t index)
{
    size_t n;
    if (!jinja_length(r, &n, v))
        return false;
    index += index < 0 ? (int64_t)n : 0;
    if (index < 0 || (size_t)index >= n)
        return no_item(out, jinja_int(index));
    *out = v.kind == V_TEXT ? jinja_substring(v, (size_t)index, (size_t)index + 1) : v.seq->item[index];
    return true;
}

/* What Python's getattr finds: methods, and attributes that are no items. *found is false for nothing. */
static bool python_attribute(Run *r, Value *out, bool *found, Value v, const char *name, size_t n)
{
    *found = true;
    if (v.kind == V_LOOP && !jinja_method(v, name, n))
        return jinja_loop_attribute(r, out, v.loop, name, n);
    if (v.kind == V_NAMESPACE) {
        const Pair *field = jinja_dict_name(v.dict, name, n);
        *found = field != NULL;
        *out = field ? field->value : *out;
        return true;
    }
    if (n && name[0] == '_') { /* the sandbox hides it, if it is there at all */
        *found = false;
        return true;
    }
    if (v.kind == V_MACRO || v.kind == V_FUNCTION || v.kind == V_METHOD || v.kind == V_ITER)
        return jinja_fail(r, "the attribute \"%.*s\" of %s is not supported", (int)(n > 60 ? 60 : n), name,
                          jinja_kind_name(v));
    const Builtin *b = jinja_method(v, name, n);
    *found = b != NULL;
    if (!b)
        return true;
    if (!b->fn && b->params) { /* it would change the value: the sandbox hides it */
        *out = jinja_undefined(WHY_HINT, b->params, strlen(b->params));
        return true;
    }
    if (!b->fn)
        return jinja_fail(r, "the method \"%s\" of %s is not supported", b->name, jinja_kind_name(v));
    Method *m = jinja_alloc(r->pool, 1, sizeof *m);
    *m = (Method){v, b};
    *out = (Value){.kind = V_METHOD, .method = m};
    return true;
}

bool jinja_attribute(Run *r, Value *out, Value v, const char *name, size_t n)
{
    bool found;
    if (v.kind == V_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (!python_attribute(r, out, &found, v, name, n))
        return false;
    const Pair *field = !found && v.kind == V_DICT ? jinja_dict_name(v.dict, name, n) : NULL;
    if (field)
        *out = field->value;
    else if (!found)
        *out = jinja_undefined(WHY_FIELD, name, n);
    return true;
}

bool jinja_item(Run *r, Value *out, Value v, Value key)
{
    bool found = false;
    if (v.kind == V_UNDEFINED)
        return jinja_fail_undefined(r, v);
    if (v.kind == V_DICT && jinja_hashable(key)) {
        const Pair *field = jinja_dict_find(v.dict, key);
        if (field) {
            *out = field->value;
            return true;
        }
    }
    if (indexable(v) && is_int(key))
        return by_index(r, out, v, as_int(key));
    if (key.kind == V_TEXT && !python_attribute(r, out, &found, v, key.s, key.n))
        return false;
    return found || no_item(out, key);
}

/* --- slices ------------------------------------------------------------------------------------------ */

static bool bound_of(Run *r, int64_t *out, Value v, int64_t otherwise, int64_t n, int64_t step)
{
    *out = otherwise;
    if (v.kind == V_ABSENT || v.kind == V_NONE)
        return true;
    if (!is_int(v))
        return jinja_fail_value(r, "a slice cannot begin or end at", v);
    int64_t x = as_int(v), low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
    x += x < 0 ? n : 0;
    *out = x < low ? low : x > high ? high : x;
    return true;
}

static bool slice_text(Run *r, Value *out, Value text, const int64_t bound[3], size_t count)
{
    if (bound[2] == 1) {
        *out = jinja_substring(text, (size_t)bound[0], (size_t)bound[0] + count);
        return true;
    }
    Seq *chars;
    Tainted s = {0};
    if (!jinja_iterate(r, &chars, text))
        return false;
    int64_t at = bound[0];
    for (size_t i = 0; i < count; i++, at += bound[2])
        tainted_add(&s, chars->item[at].s, chars->item[at].n, chars->item[at].taint);
    bool ok = jinja_take(r, out, &s, true);
    if (ok)
        out->flag = text.flag;
    return ok;
}

/* The step, no longer than what any longer one would do as well. */
static bool step_of(Run *r, int64_t *out, Value v, int64_t length)
{
    *out = 1;
    if (v.kind == V_ABSENT || v.kind == V_NONE)
        return true;
    if (!is_int(v))
        return jinja_fail_value(r, "a slice cannot step by", v);
    if (as_int(v) == 0)
        return jinja_fail(r, "a slice with step 0");
    *out = as_int(v) > length ? length + 1 : as_int(v) < -length ? -length - 1 : as_int(v);
    return true;
}

bool jinja_slice(Run *r, Value *out, Value v, const Value part[3])
{
    size_t n;
    int64_t bound[3];
    if (v.kind != V_TEXT && !is_seq(v))
        return jinja_fail_value(r, "there is no slice of", v);
    if (!jinja_length(r, &n, v) || !step_of(r, &bound[2], part[2], (int64_t)n))
        return false;
    int64_t length = (int64_t)n, step = bound[2];
    if (!bound_of(r, &bound[0], part[0], step < 0 ? length - 1 : 0, length, step) ||
        !bound_of(r, &bound[1], part[1], step < 0 ? -1 : length, length, step))
        return false;
    int64_t span = step > 0 ? bound[1] - bound[0] : bound[0] - bound[1], stride = step > 0 ? step : -step;
    size_t count = span > 0 ? (size_t)((span + stride - 1) / stride) : 0;
    if (!jinja_spend(r, count))
        return false;
    if (v.kind == V_TEXT)
        return slice_text(r, out, v, bound, count);
    Seq *q = jinja_seq(r, count);
    for (size_t i = 0; i < count; i++)
        jinja_push(r, q, v.seq->item[bound[0] + (int64_t)i * step]);
    *out = jinja_of_seq(v.kind, q);
    return true;
}
