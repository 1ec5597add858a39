/* Values of a prompt file's keys. Each fails with the file, the line, the key and what it must be. */
#ifndef RLAIF_JUDGE_PROMPT_FIELD_H
#define RLAIF_JUDGE_PROMPT_FIELD_H

#include "base/yaml.h"

typedef struct FieldReader {
    const char *where; /* the file, for messages */
    Err *err;
} FieldReader;

/* Fails: "FILE:LINE: "KEY" must be NEEDS". */
bool field_bad(const FieldReader *r, const Yaml *at, const char *key, const char *needs) MUST_CHECK;

/* A text; absent: `otherwise` (NULL: it is required). What *out held is freed. */
bool field_text(const FieldReader *r, const Yaml *map, const char *key, const char *otherwise, char **out) MUST_CHECK;
/* Which of "one|another" it is; absent: `otherwise`, as field_text. */
bool field_choice(const FieldReader *r, const Yaml *map, const char *key, const char *choices, const char *otherwise,
                  int *out) MUST_CHECK;
/* A whole number; absent: `otherwise`. */
bool field_count(const FieldReader *r, const Yaml *map, const char *key, int most, int otherwise, int *out) MUST_CHECK;
/* A finite number, `positive`: above 0. Absent: `otherwise` (NULL: it is required). */
bool field_number(const FieldReader *r, const Yaml *map, const char *key, bool positive, const double *otherwise,
                  double *out) MUST_CHECK;

#endif
