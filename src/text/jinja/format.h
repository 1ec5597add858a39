/* Values put into texts: "%" and format(). */
#ifndef TEXT_JINJA_FORMAT_H
#define TEXT_JINJA_FORMAT_H

#include "text/jinja/call.h"

bool jinja_format(Run *r, Value *out, Value format, Value values) MUST_CHECK; /* format % values */

bool jinja_filter_format(Run *r, Value *out, Call *c); /* the filter, which is "%" too */
bool jinja_format_fields(Run *r, Value *out, Call *c); /* the method format() */

#endif
