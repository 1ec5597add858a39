/* The parts of a mix as its file has them. */
#include "rlaif/judge/prompt/parts.h"

#include "base/mem.h"

static const double LARGEST = 1e12;

const char *part_name(const MixPart *p)
{
    return p->source ? p->source : LOG_LENGTH;
}

/* Exactly one of what a part may be. */
static bool read_source(const FieldReader *r, const Yaml *y, MixPart *p)
{
    static const char *const names[] = {"prompt", "reward", LOG_LENGTH};
    int n = 0;
    for (int k = 0; k < COUNT(names); k++)
        if (yaml_get(y, names[k])) {
            p->kind = (PartKind)k;
            n++;
        }
    if (n != 1)
        return field_bad(r, y, "parts",
                         "a list of mappings, each with one of \"prompt\", \"reward\" and \"log-length\"");
    const Yaml *said = yaml_get(y, names[p->kind]);
    if (p->kind == PART_LOG_LENGTH)
        return (said->kind == YAML_TEXT && strcmp(said->text, "true") == 0) || field_bad(r, said, LOG_LENGTH, "true");
    return field_text(r, y, names[p->kind], NULL, &p->source) &&
           (p->source[0] ||
            field_bad(r, said, names[p->kind], p->kind == PART_REWARD ? "a reward model" : "a prompt's name or file"));
}

static bool read_part(const FieldReader *r, const Yaml *y, bool draft, MixPart *p)
{
    static const char *const keys[] = {"prompt", "reward", LOG_LENGTH, "centre", "scale", "weight", "error", "chat"};
    const double zero = 0, one = 1;
    p->line = y->line;
    if (y->kind != YAML_MAP)
        return field_bad(r, y, "parts", "a list of mappings");
    if (!yaml_check_keys(y, keys, COUNT(keys), r->where, r->err) || !read_source(r, y, p))
        return false;
    if (!draft && yaml_is_null(yaml_get(y, "scale"))) {
        err_set(r->err, ERR_INPUT, "%s:%d: the part %s has no \"scale\"", r->where, y->line, part_name(p));
        return err_hint(r->err, "rlaif label --fit ROWS -o FILE.yaml measures it on rows");
    }
    int chat;
    if (!field_choice(r, y, "chat", CHAT_MODES, "auto", &chat))
        return false;
    p->chat = (ChatMode)chat;
    if (!yaml_is_null(yaml_get(y, "chat")) && p->kind != PART_REWARD)
        return field_bad(r, yaml_get(y, "chat"), "chat", "a reward model's: a prompt's own file says how it is read");
    return field_number(r, y, "centre", false, &zero, &p->centre) &&
           (fabs(p->centre) <= LARGEST || field_bad(r, yaml_get(y, "centre"), "centre", "a number of at most 1e12")) &&
           field_number(r, y, "scale", true, &one, &p->scale) &&
           field_number(r, y, "weight", false, p->kind == PART_LOG_LENGTH ? &zero : &one, &p->weight) &&
           (fabs(p->weight) / p->scale <= LARGEST ||
            field_bad(r, y, "weight", "at most 1e12 times the scale, so that margins are numbers")) &&
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
        if (p[i].kind == PART_LOG_LENGTH && length)
            return field_bad(r, list->item[i], LOG_LENGTH, "one part alone");
        length = length || p[i].kind == PART_LOG_LENGTH;
        weighed = weighed || fabs(p[i].weight) > 0;
    }
    return weighed || field_bad(r, list, "parts", "a list with a weight that is not 0");
}

void parts_free(MixPart *p, int n)
{
    for (int i = 0; i < n; i++) {
        free(p[i].source);
        free(p[i].path);
    }
    free(p);
}
