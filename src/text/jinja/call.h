/* Calls: arguments to the parameters of what is built in, and the functions that are. */
#ifndef TEXT_JINJA_CALL_H
#define TEXT_JINJA_CALL_H

#include "text/jinja/run.h"

enum { JINJA_PARAMETERS = 5 }; /* the most named parameters of a filter, test, method or function */

typedef struct Keyword {
    const char *name;
    Value value;
    const char *taint; /* of the name: a row's, where it comes from a dict */
} Keyword;

typedef struct Call {
    Value self; /* what is filtered or tested, or the method's object */
    int how;    /* the row's */
    Value *pos;
    size_t npos;
    Keyword *kw;
    size_t nkw;
    Value arg[JINJA_PARAMETERS]; /* by parameter; V_ABSENT where not given */
} Call;

/* A filter, test, method or function. `params` names its parameters: "old new count?" with ? where one may
 * be left out; a "/" in front refuses keywords; "*" leaves pos and kw to the function. A NULL fn: Jinja or
 * Python has it and we do not; with params, these say why the sandbox hides it. Rows that differ in one thing share a
 * function, to which `how` tells it. Of a filter or test that there is none of, which fails where it is reached, params says
 * which of the two it is. */
typedef struct Builtin {
    const char *name, *params;
    bool (*fn)(Run *r, Value *out, Call *c);
    int how;
} Builtin;

const Builtin *jinja_function(const char *name, size_t n);
bool jinja_no_function(Err *err, int line, const char *name);
/* The table's row of this name, or NULL. */
const Builtin *jinja_find(const Builtin *table, int n, const char *name, size_t length);

/* Runs it with the arguments pos and kw, which become those of its parameters. */
bool jinja_apply(Run *r, Value *out, const Builtin *b, Call *c) MUST_CHECK;

const Keyword *jinja_keyword(const Call *c, const char *name, size_t n); /* NULL: not given */
Value jinja_name(const Keyword *k);

/* Arguments of a certain kind; `what` begins the message of a failure. */
bool jinja_want_text(Run *r, Value v, const char *what) MUST_CHECK;
bool jinja_want_int(Run *r, int64_t *out, Value v, const char *what) MUST_CHECK;
/* Fails for a method of text marked as safe. */
bool jinja_unmarked(Run *r, const Call *c) MUST_CHECK;

#endif
