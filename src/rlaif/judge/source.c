/* Sources of judges. */
#include "rlaif/judge/source.h"

#include "base/mem.h"
#include "rlaif/judge/mix.h"
#include "rlaif/judge/remote.h"

const Option judge_reading_rows[JUDGE_READING_OPTIONS] = {
    {"max-input", OPT_INT, AT(JudgeReading, max_input), 16, 1e9, "4096",
     .help = "most tokens of a judge's prompt; longer ones are refused or cut"},
    {"judge-truncate", OPT_CHOICE, AT(JudgeReading, cut), .choices = CUT_RULES, .otherwise = "none",
     .help = "what a longer one loses: nothing, it is refused; or words at one end of its context, never of responses"},
};

JudgeOptions judge_reading(ChatMode chat, JudgeReading r)
{
    JudgeOptions o = judge_defaults(chat);
    o.max_input = r.max_input;
    o.cut = r.cut;
    o.cut_by = "--judge-truncate";
    return o;
}

static bool hash_endpoint(JudgeSource *s, Err *err)
{
    json_t *about;
    if (!endpoint_about(s->remote, &about, err))
        return false;
    char *text = json_text(about);
    hash_bytes(text, strlen(text), s->hash);
    free(text);
    json_decref(about);
    return true;
}

bool judge_source_name(JudgeSource *s, const Work *work, const char *option, const char *path,
                       const EndpointOptions *remote, Err *err)
{
    ErrCode code = work->in_recipe ? ERR_INPUT : ERR_USAGE;
    *s = (JudgeSource){.path = path, .remote = remote, .device = work->device, .date = work->common->date};
    if (path && remote->url)
        return err_set(err, code, "--%s and --endpoint name two judges", option),
               err_hint(err, "leave one of them out");
    if (!path && !remote->url)
        return err_set(err, code, "--%s is missing", option),
               err_hint(err, "the judge: a model, or an --endpoint with --api-model");
    return path ? work_model_hash(work, path, s->hash, err) : hash_endpoint(s, err);
}

bool judge_source_load(JudgeSource *s, Work *work, Err *err)
{
    return s->path ? work_model(&s->model, s->path, work, HEAD_LM, err)
                   : endpoint_open(&s->endpoint, s->remote, &work->environment, work->store, &work->spent, err);
}

bool judge_source_load_text(JudgeSource *s, Work *work, Err *err)
{
    if (!s->path)
        return judge_source_load(s, work, err);
    bool ok = model_load_text(&s->model, s->path, HEAD_LM, err);
    if (ok)
        s->model->date = work->common->date;
    return ok;
}

bool judge_source_open(JudgeSource *s, Judge **out, const char *prompt, JudgeOptions o, Err *err)
{
    if (s->model)
        return judge_open(out, s->model, prompt, o, err);
    bool ok = judge_new(out, prompt, o, err);
    for (int i = 0; ok && judge_asked(*out, i); i++)
        ok = judge_remote_open(judge_asked(*out, i), s->endpoint, s->remote, err);
    if (ok && mix_open_rewards(*out, s->device, s->date, CHAT_AUTO, err))
        return true;
    judge_free(*out);
    *out = NULL;
    return false;
}

void judge_source_report(const JudgeSource *s, Work *work, const char *stage)
{
    if (!s->endpoint || !work->summary)
        return;
    json_t *spent = endpoint_spent(s->endpoint);
    log_note(
        "%s: %.0f requests and %.0f retries, %.0f tokens read and %.0f written: $%.4f; %.0f answers were in the store",
        stage, json_number_of(spent, "requests", 0), json_number_of(spent, "retries", 0),
        json_number_of(spent, "input", 0), json_number_of(spent, "output", 0), json_number_of(spent, "dollars", 0),
        json_number_of(spent, "kept", 0));
    json_object_set_new(work->summary, "endpoint", spent);
}

void judge_cut_report(const CutCount *count, const char *stage, json_t *summary)
{
    if (count->rows == 0)
        return;
    log_note("%s: the judge read %d prompts whose contexts were cut, by %.0f characters in all", stage, count->rows,
             count->characters);
    json_object_set_new(summary, JUDGE_CUT, json_integer(count->rows));
    json_object_set_new(summary, JUDGE_CUT_CHARACTERS, json_real(count->characters));
}

void judge_source_release(JudgeSource *s)
{
    model_free(s->model);
    endpoint_free(s->endpoint);
    *s = (JudgeSource){0};
}
