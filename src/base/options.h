/* Options as tables: one row gives parsing, range, default, --help, the recipe's schema, the reference page
 * and the part that the option plays in the identity of a stage.
 *
 *     typedef struct SampleOptions { CommonOptions common; char *prompts; int n; double temperature; } ...;
 *     static const Option sample_options[] = {
 *         {"prompts", OPT_TEXT, AT(SampleOptions, prompts), .flags = OPT_POSITIONAL | OPT_REQUIRED, .help =
 * "..."},
 *         {"n", OPT_INT, AT(SampleOptions, n), 1, 1000, "1", .help = "responses a prompt"},
 *     };
 *
 * Fields: bool, int, double, char * (owned, NULL where not given), int of a choice, double of a size, OptionList, OptionTree. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "base/yaml.h"

#include <stddef.h>

#define AT(type, field) offsetof(type, field)

typedef enum OptionType {
    OPT_BOOL,   /* bool; --name alone is true */
    OPT_INT,    /* int in [min, max] */
    OPT_REAL,   /* double in [min, max] */
    OPT_TEXT,   /* char * */
    OPT_CHOICE, /* int: which of the choices "a|b|c" */
    OPT_DATE,   /* int: 20240726 for 2024-07-26; 0: none */
    OPT_SIZE,   /* double: bytes, written 8G, 8.5GB, 800M or 8GiB; 0: none */
    OPT_LIST,   /* OptionList: texts; comma-separated or given several times; a YAML list */
    OPT_TREE    /* OptionTree: a YAML file that holds a list; in YAML that list itself, too */
} OptionType;

enum {
    OPT_POSITIONAL = 1, /* on the command line it is given without its name, in the table's order */
    OPT_REQUIRED = 2,
    OPT_WORKING = 4, /* cannot change a result: threads, quiet, output names; not in a stage's identity */
    OPT_SHORT_O = 8, /* may be written -o */
    OPT_RECIPE = 16, /* only in recipes: no option of the command line */
    OPT_CLI = 32,    /* only on the command line: no key of a recipe's stage */
    OPT_MACHINE = 64 /* of this machine: not kept with a run */
};

typedef struct Option {
    const char *name;
    OptionType type;
    size_t at;             /* offset of the field in the options struct */
    double min, max;       /* OPT_INT, OPT_REAL */
    const char *otherwise; /* the default, as text; NULL: false, 0 or none */
    const char *choices;   /* OPT_CHOICE: "auto|true|false" */
    const char *value;     /* what --help calls the value: "N", "FILE"; NULL: by type */
    const char *help;
    int flags;
    const char *with; /* the options of which one has to be given, or have a value, for it to have an effect: "lora",
                       * "optimizer=adamw", "model|judge"; NULL: it always has */
} Option;

typedef struct OptionList {
    char **item;
    int n;
} OptionList;

/* A list of more than texts, as it was written. */
typedef struct OptionTree {
    Yaml *yaml;  /* owned; NULL where not given */
    char *where; /* the file that it stands in, for messages */
} OptionTree;

/* The tables of one command; `base` is where the struct that a table describes lies in the whole. */
typedef struct OptionGroup {
    const Option *options;
    int n;
    size_t base;
} OptionGroup;

typedef struct OptionTable {
    const OptionGroup *group;
    int n;
    size_t size; /* bytes of the whole struct */
} OptionTable;

/* A zeroed struct of the table with every default set; options_free frees it and what it owns. */
void *options_new(const OptionTable *t);
void options_free(const OptionTable *t, void *target);

/* The command line after the command's name. Every failure has ERR_USAGE. */
bool options_parse(const OptionTable *t, void *target, int argc, char **argv, Err *err) MUST_CHECK;

/* One option by its name, from a text or a YAML node; `where` begins the message of a failure. */
bool options_set(const OptionTable *t, void *target, const char *name, const char *value, const char *where,
                 Err *err) MUST_CHECK;
bool options_set_yaml(const OptionTable *t, void *target, const char *name, const Yaml *value, const char *where,
                      Err *err) MUST_CHECK;
/* Sets a text option, or a list to this one text, from within the program, whatever its flags. */
void options_put(const OptionTable *t, void *target, const char *name, const char *value);
/* Fails where a required option is absent, and where one that is not as it is by default has no effect, as others are; says
 * which. */
bool options_complete(const OptionTable *t, const void *target, const char *where, Err *err) MUST_CHECK;
/* The second half of that alone. */
bool options_have_effect(const OptionTable *t, const void *target, const char *where, Err *err) MUST_CHECK;

/* What an option that cannot be used is: a wrong usage of the command line, or bad input in a file. */
ErrCode options_code(const char *where);

/* Has the option been given (a text, list or tree that is not empty; others always)? */
bool options_given(const OptionTable *t, const void *target, const char *name);

/* Every option with its value, in the table's order; the working ones only where `all`. */
json_t *options_json(const OptionTable *t, const void *target, bool all);

/* What was asked for, as YAML's lines "INDENTname: value": every option that has a value, but for the command line's
 * own and this machine's. options_read_yaml takes such lines, or any others that are options, from a file. */
void options_append_yaml(const OptionTable *t, const void *target, const char *indent, Str *out);
bool options_read_yaml(const OptionTable *t, void *target, const char *path, Err *err) MUST_CHECK;

/* The lines of --help: positional arguments first, then options with defaults and ranges. */
void options_help(const OptionTable *t, Str *out);

/* The option of this name, or NULL; *base is where its struct lies. */
const Option *options_find(const OptionTable *t, const char *name, size_t *base);

/* "2024-07-26" to 20240726: a day of the calendar, years from 1000. */
bool options_date(int *out, const char *text) MUST_CHECK;
/* "8G", "8.5 GB" to bytes: K, M, G, T by thousands, KiB and so on by 1,024; not below 1. */
bool options_size(double *out, const char *text) MUST_CHECK;

/* The text of a choice's i-th entry, in a caller's buffer. */
const char *options_choice(const char *choices, int i, char out[64]);

#endif
