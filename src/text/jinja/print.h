/* Values as text: Python's str() and repr(), HTML's escapes, and json.dumps(). */
#ifndef TEXT_JINJA_PRINT_H
#define TEXT_JINJA_PRINT_H

#include "text/jinja/run.h"

/* str(); an undefined value is no text at all. */
bool jinja_print(Run *r, Tainted *s, Value v) MUST_CHECK;
bool jinja_to_text(Run *r, Value *out, Value v) MUST_CHECK; /* texts stay as they are, marked or not */
bool jinja_escape(Run *r, Value *out, Value v) MUST_CHECK;  /* for HTML; texts so marked stay */

/* json.dumps() */
typedef struct JsonStyle {
    bool ascii, sort, lines; /* lines: an indent was given */
    Value indent;            /* V_TEXT: one level */
    Value comma, colon;
} JsonStyle;
bool jinja_json(Run *r, Tainted *s, Value v, const JsonStyle *style, int level) MUST_CHECK;

#endif
