/* config.json: what its readers and its writer share. Private to config_json.c, config_rope.c and config_json_write.c. */
#ifndef MODEL_CONFIG_JSON_H
#define MODEL_CONFIG_JSON_H

#include "model/config.h"

typedef struct ConfigSource {
    const json_t *object;
    const json_t *outer; /* of a model of text and images: what stands around its text_config; or NULL */
    const char *where;
    ModelConfig *c;
    Err *err;
} ConfigSource;

/* The value of a key; NULL where it is absent or null. */
const json_t *config_value(const ConfigSource *s, const char *key);
/* Refuses it. */
bool config_bad(const ConfigSource *s, const char *key, const json_t *v, const char *needs);
/* A number; `otherwise` where it is absent, an error if that is NaN. */
bool config_real(const ConfigSource *s, const char *key, double otherwise, double *out);

/* The rotation: of rope_scaling (older) or rope_parameters, with the base of the key `theta`. Sets the context, too, where that
 * depends on it. */
bool config_read_rotary(const ConfigSource *s, const char *theta, double part);
/* The same of one object (may be NULL), which has rope_type, once called type, and what that needs. */
bool config_read_rope(const ConfigSource *s, const json_t *params, double theta, Rope *r);
/* An object, or NULL where the key is absent. */
bool config_object(const ConfigSource *s, const char *key, const json_t **out);

/* The padding that a family's class assumes where config.json says nothing of it, as transformers does; -1: none. */
int config_assumed_pad(const char *family);

/* rope_type, rope_theta and the numbers of its kind. */
json_t *config_rope_json(const Rope *r);
/* transformers 4 has the base of the global layers and their scaling apart, and null for none. */
void config_put_older_rope(json_t *o, const Rope *r);

#endif
