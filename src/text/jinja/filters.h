/* The filters, each a Builtin's function: c->self is what is filtered, c->arg the parameters of its row in
 * text/jinja/tables.c. */
#ifndef TEXT_JINJA_FILTERS_H
#define TEXT_JINJA_FILTERS_H

#include "text/jinja/jinja.h"

/* of single values: text/jinja/filters.c */
bool jinja_filter_abs(Run *r, Value *out, Call *c);
bool jinja_filter_capitalize(Run *r, Value *out, Call *c);
bool jinja_filter_default(Run *r, Value *out, Call *c);
bool jinja_filter_escape(Run *r, Value *out, Call *c);
bool jinja_filter_float(Run *r, Value *out, Call *c);
bool jinja_filter_format(Run *r, Value *out, Call *c); /* text/jinja/format.c */
bool jinja_filter_indent(Run *r, Value *out, Call *c);
bool jinja_filter_int(Run *r, Value *out, Call *c);
bool jinja_filter_lower(Run *r, Value *out, Call *c);
bool jinja_filter_replace(Run *r, Value *out, Call *c);
bool jinja_filter_round(Run *r, Value *out, Call *c);
bool jinja_filter_safe(Run *r, Value *out, Call *c);
bool jinja_filter_string(Run *r, Value *out, Call *c);
bool jinja_filter_title(Run *r, Value *out, Call *c);
bool jinja_filter_tojson(Run *r, Value *out, Call *c);
bool jinja_filter_trim(Run *r, Value *out, Call *c);
bool jinja_filter_upper(Run *r, Value *out, Call *c);
bool jinja_filter_wordcount(Run *r, Value *out, Call *c);

/* of many: text/jinja/seqs.c */
bool jinja_filter_batch(Run *r, Value *out, Call *c);
bool jinja_filter_dictsort(Run *r, Value *out, Call *c);
bool jinja_filter_first(Run *r, Value *out, Call *c);
bool jinja_filter_items(Run *r, Value *out, Call *c);
bool jinja_filter_join(Run *r, Value *out, Call *c);
bool jinja_filter_last(Run *r, Value *out, Call *c);
bool jinja_filter_length(Run *r, Value *out, Call *c);
bool jinja_filter_list(Run *r, Value *out, Call *c);
bool jinja_filter_map(Run *r, Value *out, Call *c);
bool jinja_filter_max(Run *r, Value *out, Call *c);
bool jinja_filter_min(Run *r, Value *out, Call *c);
bool jinja_filter_reject(Run *r, Value *out, Call *c);
bool jinja_filter_rejectattr(Run *r, Value *out, Call *c);
bool jinja_filter_reverse(Run *r, Value *out, Call *c);
bool jinja_filter_select(Run *r, Value *out, Call *c);
bool jinja_filter_selectattr(Run *r, Value *out, Call *c);
bool jinja_filter_sort(Run *r, Value *out, Call *c);
bool jinja_filter_sum(Run *r, Value *out, Call *c);
bool jinja_filter_unique(Run *r, Value *out, Call *c);

#endif
