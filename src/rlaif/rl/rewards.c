/* What a policy is rewarded by. */
#include "rlaif/rl/rewards.h"

#include "base/file.h"
#include "base/mem.h"

/* --- reading ---------------------------------------------------------------------------------------------- */

static bool failed(const AskedRewards *a, int line, const char *hint, Err *err)
{
    err_context(err, "%s:%d", a->where, line);
    return err_hint(err, "%s", hint);
}

static const char A_PART[] = "write `- {judge: MODEL, prompt: NAME, weight: 0.5}` or `- {reward: DIR, weight: 0.5}`";

static bool read_text(const AskedRewards *a, const Yaml *part, const char *key, const char **out, Err *err)
{
    const Yaml *y = yaml_get(part, key);
    *out = NULL;
    if (yaml_is_null(y))
        return true;
    if (y->kind != YAML_TEXT || !y->text[0])
        return err_set(err, ERR_INPUT, "\"%s\" must be a text", key), failed(a, y->line, A_PART, err);
    *out = y->text;
    return true;
}

/* A finite number, 1 where there is none. */
static bool read_number(const AskedRewards *a, const Yaml *part, const char *key, double *out, Err *err)
{
    const Yaml *y = yaml_get(part, key);
    *out = 1;
    if (yaml_is_null(y))
        return true;
    char *end = NULL;
    bool text = y->kind == YAML_TEXT;
    if (text)
        *out = strtod(y->text, &end);
    if (text && end != y->text && !*end && isfinite(*out))
        return true;
    err_set(err, ERR_INPUT, "\"%s\" must be a finite number%s%s%s", key, text ? ", not \"" : "", text ? y->text : "",
            text ? "\"" : "");
    return failed(a, y->line, "write it as 0.5 or -1", err);
}

/* Of a reward model; else as --reward-chat has it. */
static bool read_chat(const AskedRewards *a, const Yaml *part, AskedPart *p, const RlOptions *o, Err *err)
{
    static const char *const modes[] = {"auto", "true", "false"};
    const Yaml *y = yaml_get(part, "chat");
    p->chat = (ChatMode)o->reward_chat;
    if (yaml_is_null(y))
        return true;
    if (!p->reward)
        return err_set(err, ERR_INPUT, "\"chat\" is of reward models"),
               failed(a, y->line, "a judge's prompt file says how the judge reads: put \"chat\" there", err);
    for (int i = 0; i < COUNT(modes); i++)
        if (y->kind == YAML_TEXT && strcmp(y->text, modes[i]) == 0)
            return p->chat = (ChatMode)i, true;
    err_set(err, ERR_INPUT, "\"chat\" must be auto, true or false");
    return failed(a, y->line, "write it as chat: false", err);
}

static bool check_part(const AskedRewards *a, const AskedPart *p, const RlOptions *o, Err *err)
{
    static const char ONE[] = "a part is one of both: write a part for each";
    if (p->reward && (p->judge || p->prompt))
        return err_set(err, ERR_INPUT, "the part names a reward model and a %s", p->judge ? "judge" : "prompt"),
               failed(a, p->line, ONE, err);
    if (!p->reward && !p->judge && !p->prompt)
        return err_set(err, ERR_INPUT, "the part has neither a judge nor a reward model"),
               failed(a, p->line, A_PART, err);
    if (p->judge && !p->prompt)
        return err_set(err, ERR_INPUT, "the part's judge has no \"prompt\""),
               failed(a, p->line, "of any kind but pairwise: rlaif help prompts lists them", err);
    if (p->prompt && !p->judge && !o->endpoint.url)
        return err_set(err, ERR_INPUT, "the part's prompt has no \"judge\""),
               failed(a, p->line, "name a model, or an --endpoint with --api-model", err);
    if (!(p->scale > 0) || !isfinite(p->weight / p->scale))
        return err_set(err, ERR_INPUT, "\"scale\" must be above 0, not %g", p->scale),
               failed(a, p->line, "it is what the part's reward is divided by; a weight may be negative", err);
    return true;
}

static bool read_part(AskedRewards *a, const Yaml *y, const RlOptions *o, Err *err)
{
    static const char *const keys[] = {"judge", "prompt", "reward", "weight", "scale", "chat"};
    AskedPart *p = &a->part[a->n++];
    *p = (AskedPart){.line = y->line};
    if (y->kind != YAML_MAP)
        return err_set(err, ERR_INPUT, "a part of the rewards is a mapping"), failed(a, y->line, A_PART, err);
    return yaml_check_keys(y, keys, COUNT(keys), a->where, err) && read_text(a, y, "judge", &p->judge, err) &&
           read_text(a, y, "prompt", &p->prompt, err) && read_text(a, y, "reward", &p->reward, err) &&
           read_number(a, y, "weight", &p->weight, err) && read_number(a, y, "scale", &p->scale, err) &&
           read_chat(a, y, p, o, err) && check_part(a, p, o, err);
}

static bool read_list(AskedRewards *a, const RlOptions *o, Err *err)
{
    const Yaml *list = o->rewards.yaml;
    a->where = o->rewards.where;
    if (list->kind != YAML_LIST)
        return err_set(err, ERR_INPUT, "the rewards are no list"), failed(a, list->line, A_PART, err);
    if (list->n == 0)
        return err_set(err, ERR_INPUT, "the list of rewards is empty"), failed(a, list->line, A_PART, err);
    if (list->n > MOST_REWARDS)
        return err_set(err, ERR_INPUT, "%d rewards, at most %d are possible", list->n, MOST_REWARDS),
               failed(a, list->line, "add fewer parts", err);
    bool counts = false;
    for (int i = 0; i < list->n; i++) {
        if (!read_part(a, list->item[i], o, err))
            return false;
        counts = counts || a->part[i].weight != 0;
    }
    return counts || (err_set(err, ERR_INPUT, "every weight is 0: nothing is rewarded"),
                      failed(a, list->line, "a part of weight 0 is logged beside one that counts", err));
}

/* --- names ------------------------------------------------------------------------------------------------- */

static bool is_taken(const AskedRewards *a, int before, const char *name)
{
    for (int i = 0; i < before; i++)
        if (strcmp(a->part[i].name, name) == 0)
            return true;
    return false;
}

/* "rm" of runs/first/rm/, "tone" of prompts/tone.yaml; "tone 2" where there is one. */
static void name_part(AskedRewards *a, int i)
{
    AskedPart *p = &a->part[i];
    const char *of = p->reward ? p->reward : p->prompt ? p->prompt : "";
    size_t n = strlen(of);
    while (n > 1 && of[n - 1] == '/')
        n--;
    char *path = mem_strn(of, n);
    const char *base = path_base(path), *dot = strrchr(base, '.');
    bool yaml = dot && dot > base && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
    char *plain = mem_strn(base, yaml && !p->reward ? (size_t)(dot - base) : strlen(base));
    p->name = mem_str(plain);
    for (int k = 2; is_taken(a, i, p->name); k++) {
        free(p->name);
        p->name = mem_printf("%s %d", plain, k);
    }
    free(plain);
    free(path);
}

bool asked_rewards_read(AskedRewards *out, const RlOptions *o, Err *err)
{
    *out = (AskedRewards){0};
    if (o->rewards.yaml) {
        if (!read_list(out, o, err))
            return false;
    } else if (o->reward || o->judge || o->endpoint.url) {
        out->part[out->n++] = (AskedPart){.reward = o->reward,
                                          .judge = o->judge,
                                          .prompt = o->prompt,
                                          .weight = 1,
                                          .scale = 1,
                                          .chat = (ChatMode)o->reward_chat};
    }
    for (int i = 0; i < out->n; i++)
        name_part(out, i);
    return true;
}

void asked_rewards_release(AskedRewards *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->part[i].name);
    *a = (AskedRewards){0};
}

bool asked_part_failed(const AskedRewards *a, int part, Err *err)
{
    return a->where ? err_context(err, "%s:%d", a->where, a->part[part].line) : false;
}

/* --- identity ---------------------------------------------------------------------------------------------- */

bool asked_part_judge(JudgeSource *out, const AskedRewards *a, int part, const Work *work, const RlOptions *o, Err *err)
{
    static const EndpointOptions none = {0};
    const char *model = a->part[part].judge;
    return judge_source_name(out, work, "judge", model, a->where && model ? &none : &o->endpoint, err);
}

/* Of one response at a time, and by more than its length. */
static bool check_prompt(const JudgePrompt *p, const char *name, const RlOptions *o, Err *err)
{
    double length = judge_prompt_length_weight(p);
    if (p->kind == JUDGE_PAIRWISE)
        return err_set(err, ERR_INPUT, "the prompt %s compares two responses", name),
               err_hint(err, "a direct judge needs a prompt of another kind than pairwise");
    if (length != 0 && !o->allow_length)
        return err_set(err, ERR_INPUT, "the mix %s counts the length of a reply, with a weight of %g", name, length),
               err_hint(err, "a policy would take %s replies for better ones: set that weight to 0, or --allow-length",
                        length > 0 ? "longer" : "shorter");
    return true;
}

static bool hash_part(const AskedRewards *a, int i, const Work *work, const RlOptions *o, json_t *hashes, Err *err)
{
    const AskedPart *p = &a->part[i];
    char model[HASH_TEXT], asked[HASH_TEXT];
    JudgeSource source;
    JudgePrompt *prompt = NULL;
    if (p->reward) {
        if (!model_hash(p->reward, work->store, model, err))
            return false;
        json_object_set_new(hashes, "reward", json_string(model));
        return true;
    }
    bool ok = asked_part_judge(&source, a, i, work, o, err) && judge_prompt_load(&prompt, p->prompt, err) &&
              check_prompt(prompt, p->prompt, o, err) && judge_prompt_hash(prompt, work->store, asked, err);
    if (ok) {
        json_object_set_new(hashes, "judge", json_string(source.hash));
        json_object_set_new(hashes, "prompt", json_string(asked));
    }
    judge_prompt_free(prompt);
    return ok;
}

bool asked_rewards_hash(const AskedRewards *a, const Work *work, const RlOptions *o, json_t *hashes, Err *err)
{
    json_t *list = a->where ? json_array() : NULL;
    bool ok = true;
    for (int i = 0; ok && i < a->n; i++) {
        const AskedPart *p = &a->part[i];
        json_t *part = list ? json_pack("{s:s, s:f, s:f}", "name", p->name, "weight", p->weight, "scale", p->scale)
                            : json_incref(hashes);
        if (list && p->chat != CHAT_AUTO)
            json_object_set_new(part, "chat", json_string(p->chat == CHAT_TRUE ? "true" : "false"));
        ok = hash_part(a, i, work, o, part, err) || asked_part_failed(a, i, err);
        if (list)
            json_array_append_new(list, part);
        else
            json_decref(part);
    }
    if (list)
        json_object_set_new(hashes, "rewards", list);
    return ok;
}
