/* The parts of a mix as its file has them. */
#include "rlaif/judge/parts.h"

#include "base/mem.h"

const char *part_name(const MixPart *p)
{
    return p->source ? p->source : "log-length";
}

/* Exactly one of what a part may be. */
static bool read_source(const FieldReader *r, const Yaml *y, MixPart *p)
{
    const Yaml *prompt = yaml_get(y, "prompt"), *length = yaml_get(y, "log-length");
    if (!prompt == !length)
        return field_bad(r, y, "parts", "a list of mappings, each with one of \"prompt\" and \"log-length\"");
    if (length && (length->kind != YAML_TEXT || strcmp(length->text, "true") != 0))
        return field_bad(r, length, "log-length", "true");
    if (length)
        return true;
    return field_text(r, y, "prompt", NULL, &p->source) &&
           (p->source[0] || field_bad(r, prompt, "prompt", "a prompt's name or file"));
}

static bool read_part(const FieldReader *r, const Yaml *y, bool draft, MixPart *p)
{
    static const char *const keys[] = {"prompt", "log-length", "centre", "scale", "weight", "error"};
    const double zero = 0, one = 1;
    p->line = y->line;
    if (y->kind != YAML_MAP)
        return field_bad(r, y, "parts", "a list of mappings");
    if (!yaml_check_keys(y, keys, COUNT(keys), r->where, r->err) || !read_source(r, y, p))
        return false;
    if (!draft && !yaml_get(y, "scale")) {
        err_set(r->err, ERR_INPUT, "%s:%d: the part %s has no \"scale\"", r->where, y->line, part_name(p));
        return err_hint(r->err, "rlaif label --fit ROWS -o FILE.yaml measures it on rows");
    }
    return field_number(r, y, "centre", false, &zero, &p->centre) &&
           field_number(r, y, "scale", true, &one, &p->scale) &&
           field_number(r, y, "weight", false, p->source ? &one : &zero, &p->weight) &&
           field_number(r, y, "error", false, &zero, &p->error) &&
           (p->error >= 0 || field_bad(r, yaml_get(y, "error"), "error", "a number of at least 0"));
}

bool parts_read(const FieldReader *r, const Yaml *map, bool draft, MixPart **out, int *n)
{
    const Yaml *list = yaml_get(map, "parts");
    if (!list)
        return err_set(r->err, ERR_INPUT, "%s: the key \"parts\" is missing", r->where);
    if (list->kind != YAML_LIST || list->n < 1 || list->n > MOST_PARTS)
        return field_bad(r, list, "parts", "a list of 1 to 8 mappings");
    MixPart *p = *out = mem_zalloc((size_t)list->n, sizeof *p);
    bool weighed = draft, length = false;
    *n = list->n;
    for (int i = 0; i < list->n; i++) {
        if (!read_part(r, list->item[i], draft, &p[i]))
            return false;
        if (!p[i].source && length)
            return field_bad(r, list->item[i], "log-length", "one part alone");
        length = length || !p[i].source;
        weighed = weighed || fabs(p[i].weight) > 0;
    }
    return weighed || field_bad(r, list, "parts", "a list with a weight that is not 0");
}

void parts_free(MixPart *p, int n)
{
    for (int i = 0; i < n; i++)
        free(p[i].source);
    free(p);
}
