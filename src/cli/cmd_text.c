/* generate, chat: a model tried by hand. */
#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "rlaif/rl/sample.h"

#include <poll.h>
#include <unistd.h>

typedef struct TextOptions {
    CommonOptions common;
    SamplingOptions sampling;
    char *text, *model, *system;
    bool raw;
} TextOptions;

static const Option generate_options[] = {
    {"text", OPT_TEXT, AT(TextOptions, text), .value = "TEXT", .flags = OPT_POSITIONAL | OPT_REQUIRED,
     .help = "the user's message; with --raw what the model continues"},
    {"model", OPT_TEXT, AT(TextOptions, model), .value = "MODEL", .flags = OPT_REQUIRED, .help = "the model"},
    {"raw", OPT_BOOL, AT(TextOptions, raw), .help = "no chat template; special tokens in the text count as such"},
};
static const Option chat_options[] = {
    {"model", OPT_TEXT, AT(TextOptions, model), .value = "MODEL", .flags = OPT_REQUIRED, .help = "the model"},
    {"system", OPT_TEXT, AT(TextOptions, system), .help = "a system message"},
};
static const OptionGroup generate_groups[] = {
    {generate_options, COUNT(generate_options), 0},
    {sampling_options, SAMPLING_OPTIONS, AT(TextOptions, sampling)},
    {common_options, RENDER_OPTIONS, AT(TextOptions, common)},
};
static const OptionGroup chat_groups[] = {
    {chat_options, COUNT(chat_options), 0},
    {sampling_options, SAMPLING_OPTIONS, AT(TextOptions, sampling)},
    {common_options, RENDER_OPTIONS, AT(TextOptions, common)},
};
const OptionTable generate_table = {generate_groups, COUNT(generate_groups), sizeof(TextOptions)};
const OptionTable chat_table = {chat_groups, COUNT(chat_groups), sizeof(TextOptions)};

/* A response that is printed while it grows. */
typedef struct Live {
    const Model *model;
    Ids ids;
    size_t printed;
} Live;

/* Decodes all so far and prints what is new: a character may be spread over tokens. */
static bool print_token(void *context, int index, int id)
{
    Live *l = context;
    Str s = {0};
    (void)index;
    ids_add(&l->ids, id);
    tokenizer_decode(l->model->tokenizer, l->ids.id, l->ids.n, TOKENIZE_BARE, &s);
    if (s.n > l->printed) {
        fwrite(s.text + l->printed, 1, s.n - l->printed, stdout);
        fflush(stdout);
        l->printed = s.n;
    }
    str_release(&s);
    return true;
}

/* Continues the prompt on standard output; *reply receives its text. */
static bool respond(Model *m, const Ids *prompt, const TextOptions *o, int turn, char **reply, json_t *summary,
                    Err *err)
{
    Sampling how = sampling_of(&o->sampling);
    RngKey key = {.seed = (uint64_t)o->common.seed, .purpose = RNG_SAMPLE, .visit = (uint32_t)turn};
    Response r = {.prompt = prompt->id, .n_prompt = prompt->n, .key = key};
    Live live = {.model = m};
    bool ok = render_fits(m, prompt->n + 1, 0, err);
    if (ok && prompt->n + how.max_new_tokens > m->config.context)
        how.max_new_tokens = m->config.context - prompt->n;
    ok = ok && generate(m, &r, 1, &how, print_token, &live, err);
    if (ok) {
        putchar('\n');
        fflush(stdout); /* before the next question, which stands on standard error */
        *reply = response_text(m, &r);
        json_object_set_new(summary, "prompt_tokens", json_integer(prompt->n));
        json_object_set_new(summary, "tokens", json_integer(r.ids.n));
        json_object_set_new(summary, "ended", json_boolean(r.ended));
    }
    ids_release(&live.ids);
    response_release(&r);
    return ok;
}

/* What a user typed has to be UTF-8: a message is JSON before it is a prompt. */
static bool check_utf8(const char *text, const char *what, Err *err)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t n = strlen(text), at = 0; at < n;) {
        int length = str_utf8_length(p + at, n - at);
        if (length == 0)
            return err_set(err, ERR_INPUT, "%s is not UTF-8: byte 0x%02x at %zu", what, p[at], at + 1);
        at += (size_t)length;
    }
    return true;
}

bool cmd_generate(Work *work, void *options, Err *err)
{
    const TextOptions *o = options;
    Model *m;
    Ids prompt = {0};
    char *reply = NULL;
    if (!check_utf8(o->text, "the text", err) || !work_model(&m, o->model, work, HEAD_LM, err))
        return false;
    Context context = {.text = o->text};
    bool ok;
    if (o->raw) {
        ok = render_raw(m, o->text, &prompt, err);
    } else {
        bool chat;
        ok = render_chat(m, CHAT_AUTO, &chat, err) && render_context(m, &context, chat, &prompt, err);
    }
    work->summary = json_object();
    if (ok && prompt.n == 0)
        ok = err_set(err, ERR_INPUT, "the text has no tokens"), err_hint(err, "give the model a word to begin with");
    ok = ok && respond(m, &prompt, o, 0, &reply, work->summary, err);
    free(reply);
    ids_release(&prompt);
    model_free(m);
    return ok;
}

static void add_turn(json_t *messages, const char *role, const char *text)
{
    json_array_append_new(messages, json_pack("{s:s, s:s}", "role", role, "content", text));
}

/* One turn: the user's line, the model's reply. */
static bool chat_turn(Model *m, json_t *messages, const TextOptions *o, int turn, json_t *summary, Err *err)
{
    Context context = {.turns = messages};
    Ids prompt = {0};
    char *reply = NULL;
    bool chat, ok = render_chat(m, CHAT_AUTO, &chat, err) && render_context(m, &context, chat, &prompt, err) &&
                    respond(m, &prompt, o, turn, &reply, summary, err);
    if (ok)
        add_turn(messages, "assistant", reply);
    free(reply);
    ids_release(&prompt);
    return ok;
}

/* At a terminal: until there is something to read. False where the user has interrupted. */
static bool wait_for_line(Err *err)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (isatty(STDIN_FILENO) && poll(&input, 1, -1) < 0)
        if (!not_interrupted(err))
            return false;
    return true;
}

/* Asks for the user's next line, without its end; *more is false where there is none or it is empty. */
static bool next_line(char **line, size_t *room, bool *more, Err *err)
{
    *more = false;
    fputs("> ", stderr);
    if (!wait_for_line(err))
        return false;
    ssize_t n = getline(line, room, stdin);
    while (n > 0 && ((*line)[n - 1] == '\n' || (*line)[n - 1] == '\r'))
        (*line)[--n] = 0;
    fputs(n < 0 ? "\n" : "", stderr);
    *more = n > 0;
    return !*more || check_utf8(*line, "the line", err);
}

bool cmd_chat(Work *work, void *options, Err *err)
{
    const TextOptions *o = options;
    Model *m;
    if ((o->system && !check_utf8(o->system, "--system", err)) || !work_model(&m, o->model, work, HEAD_LM, err))
        return false;
    log_note("talk to %s; an empty line or Ctrl-D ends", path_base(o->model));
    json_t *messages = json_array();
    work->summary = json_object();
    if (o->system)
        add_turn(messages, "system", o->system);
    char *line = NULL;
    size_t room = 0;
    bool ok = true, more;
    for (int turn = 0; ok; turn++) {
        ok = next_line(&line, &room, &more, err);
        if (!ok || !more)
            break;
        add_turn(messages, "user", line);
        ok = chat_turn(m, messages, o, turn, work->summary, err);
    }
    free(line);
    json_decref(messages);
    model_free(m);
    return ok;
}
