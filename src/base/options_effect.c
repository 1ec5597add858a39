/* Options that would have no effect, because of others that are not given. */
#include "base/mem.h"
#include "base/options.h"

/* A command's options as they are, and by default. */
typedef struct Given {
    json_t *now, *usual;
} Given;

static bool is_changed(const Given *g, const char *name)
{
    return !json_equal(json_object_get(g->now, name), json_object_get(g->usual, name));
}

/* Is one of the alternatives "NAME" given or "NAME=CHOICE" chosen? Else appends those that this table has. */
static bool is_met(const OptionTable *t, const Given *g, const char *alternatives, Str *needed)
{
    bool met = false;
    for (const char *at = alternatives; *at && !met;) {
        size_t n = strcspn(at, "|"), base;
        char *name = mem_strn(at, n), *choice = strchr(name, '=');
        if (choice)
            *choice++ = 0;
        const Option *o = options_find(t, name, &base);
        const char *chosen = json_text_of(g->now, name);
        met = o && (choice ? chosen && strcmp(chosen, choice) == 0 : is_changed(g, name));
        if (o)
            str_addf(needed, "%s%s%s%s%s", needed->n ? " or " : "", o->flags & OPT_POSITIONAL ? "" : "--",
                     o->flags & OPT_POSITIONAL && o->value ? o->value : name, choice ? " " : "", choice ? choice : "");
        free(name);
        at += n + (at[n] == '|');
    }
    return met;
}

static bool check(const OptionTable *t, const Given *g, const Option *o, const char *where, Err *err)
{
    Str needed = {0};
    bool met = is_met(t, g, o->with, &needed);
    if (!met) {
        err_set(err, options_code(where), "%s: --%s needs %s", where, o->name, str_text(&needed));
        err_hint(err, "it has no effect without: leave it out, or give that too");
    }
    str_release(&needed);
    return met;
}

bool options_have_effect(const OptionTable *t, const void *target, const char *where, Err *err)
{
    bool typed = options_code(where) == ERR_USAGE, ok = true;
    void *usual = options_new(t);
    Given given = {options_json(t, target, true), options_json(t, usual, true)};
    for (int g = 0; ok && g < t->n; g++)
        for (int i = 0; ok && i < t->group[g].n; i++) {
            const Option *o = &t->group[g].options[i];
            bool theirs = typed || !(o->flags & OPT_CLI); /* the command line's own are for all of a recipe's stages */
            ok = !o->with || !theirs || !is_changed(&given, o->name) || check(t, &given, o, where, err);
        }
    options_free(t, usual);
    json_decref(given.now);
    json_decref(given.usual);
    return ok;
}
