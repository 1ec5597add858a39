/* JSON by jansson: reading with words for what is wrong, writing so that numbers read back exactly. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/err.h"
#include "base/str.h"

#include <jansson.h>

/* Parses a text; `where` names it in messages ("rows.jsonl:17"). Release *out with json_decref. */
bool json_parse(const char *text, size_t n, const char *where, json_t **out, Err *err) MUST_CHECK;
/* The same where integers may be larger than this machine's and keys may stand twice: numbers are read as doubles. */
bool json_parse_loosely(const char *text, size_t n, const char *where, json_t **out, Err *err) MUST_CHECK;
/* Appends what a less strict program wrote as JSON that can be parsed: NaN and Infinity become null, -Infinity the
 * least number, as does one that no double holds; bytes that are no UTF-8, halves of surrogate pairs and NULs U+FFFD. What
 * else is wrong stays. */
void json_mend(Str *out, const char *text, size_t n);
bool json_read_file(const char *path, json_t **out, Err *err) MUST_CHECK;

/* Appends a value on one line: keys in their order, numbers in the fewest digits that read back exactly,
 * text as UTF-8. */
void json_append(Str *s, const json_t *value);
/* The same as a text that the caller frees. */
char *json_text(const json_t *value);

/* A number as json_append writes it: a double, or one that came from a float (fewer digits). */
void json_append_real(Str *s, double value);
json_t *json_of_float(float value);

/* A text of any bytes as JSON, which wants UTF-8; takes the text over. */
json_t *json_take_text(char *text);
/* The number of a name, in order of appearance: `numbers` is an object name -> number, and grows by a new name. */
int json_index_of(json_t *numbers, const char *name);

/* Fields of an object. A field that is null is an absent one: NULL, or the default. json_text_of is NULL where it is no
 * string. */
json_t *json_field(const json_t *object, const char *key);
const char *json_text_of(const json_t *object, const char *key);
double json_number_of(const json_t *object, const char *key, double otherwise);
bool json_bool_of(const json_t *object, const char *key, bool otherwise);

#endif
