/* What is trained is what is sampled: of rows of every shape, with and without chat, the ids of a response stand behind the ids
 * of its prompt as a policy reads it and are those that it draws where it writes the response; reward models read the same. */
#include "rlaif/rows/render.h"

#include "base/file.h"
#include "base/mem.h"
#include "rlaif/import/import.h"
#include "rlaif/rl/rollout.h"
#include "rlaif/rl/sample.h"
#include "training.h"

/* --- models --------------------------------------------------------------------------------------------------- */

static const char template[] = "{%% for m in messages %%}<|begin|>{{ m['role'] }}\n{{ m['content'] }}%s\n{%% endfor %%}"
                               "{%% if add_generation_prompt %%}<|begin|>assistant\n{%% endif %%}";

/* A vocabulary of the SentencePiece kind, whose texts begin with a blank of their own. */
static Tokenizer *with_prefix(const char *config)
{
    Err err = {0};
    Tokenizer *t;
    json_t *fixture;
    char *dir = make_folder(), *file = path_join(dir, "tokenizer.json");
    need_ok(json_read_file("tests/fixtures/tokenizers/llama2.json", &fixture, &err), &err);
    char *text = json_text(json_object_get(fixture, "tokenizer"));
    need_ok(file_write(file, text, strlen(text), &err), &err);
    free(file);
    file = path_join(dir, "tokenizer_config.json");
    need_ok(file_write(file, config, strlen(config), &err) && tokenizer_open(&t, dir, &err), &err);
    remove_folder(dir);
    json_decref(fixture);
    free(text), free(file);
    return t;
}

typedef enum Kind {
    LLAMA,
    GEMMA,
    OTHER_END, /* its template ends turns by another token than EOS */
    PREFIXED,  /* with_prefix */
    NO_EOS,    /* the same, which names no EOS */
    KINDS
} Kind;

/* No weights: only what renders. *end is by what its responses end with chat and without. */
static Model *model_of(Kind kind, const char *end[2])
{
    Err err = {0};
    Model *m;
    need_ok(model_load_text(&m, kind == GEMMA ? "tests/fixtures/tiny-gemma3" : TINY_LLAMA_DIR, 0, &err), &err);
    end[0] = end[1] = "<|end|>";
    if (kind >= PREFIXED) {
        tokenizer_free(m->tokenizer);
        m->tokenizer = with_prefix(kind == NO_EOS ? "{\"bos_token\": \"<|begin|>\"}"
                                                  : "{\"bos_token\": \"<|begin|>\", \"eos_token\": \"<|end|>\"}");
        assert_int_equal(tokenizer_eos(m->tokenizer) < 0, kind == NO_EOS);
    }
    if (kind >= OTHER_END) {
        end[1] = kind == OTHER_END ? "<|endoftext|>" : end[1];
        char *text = mem_printf(template, end[1]);
        chat_template_free(m->chat);
        m->chat = chat_template_new(text, "<|begin|>", "<|end|>", NULL);
        free(text);
    }
    return m;
}

/* --- shapes ------------------------------------------------------------------------------------------------------ */

/* A row, and of its last response what a policy reads and writes: without chat, and its text with chat. */
typedef struct Shape {
    const char *row;
    RowNeed need;
    const char *prompt, *drawn, *text;
    bool cut_off;
} Shape;

#define HH         "\n\nHuman: hi\n\nAssistant:"
#define HH_JSON    "\\n\\nHuman: hi\\n\\nAssistant:"
#define TWO        "\n\nHuman: hi\n\nAssistant: yes\n\nHuman: no\n\nAssistant:"
#define TWO_JSON   "\\n\\nHuman: hi\\n\\nAssistant: yes\\n\\nHuman: no\\n\\nAssistant:"
#define TLDR       "SUBREDDIT: r/S\n\nTITLE: T\n\nPOST: P\n\nTL;DR:"
#define INFO       "\"info\": {\"subreddit\": \"S\", \"title\": \"T\", \"post\": \"P\"}"
#define USER       "{\"role\": \"user\", \"content\": \"hi\"}"
#define TURNS_JSON USER ", {\"role\": \"assistant\", \"content\": \"yes\"}, {\"role\": \"user\", \"content\": \"no\"}"
#define SAYS(text) "{\"role\": \"assistant\", \"content\": \"" text "\"}"

static const Shape shapes[] = {
    /* texts are read as they are, blanks and all */
    {"{\"prompt\": \"2+2=\", \"completion\": \"4\"}", NEED_DEMONSTRATION, "2+2=", "4", "4", false},
    {"{\"prompt\": \"2+2=\", \"completion\": \" 4\"}", NEED_DEMONSTRATION, "2+2=", " 4", " 4", false},
    {"{\"prompt\": \"ends in a blank: \", \"completion\": \"x\"}", NEED_DEMONSTRATION, "ends in a blank: ", "x", "x",
     false},
    {"{\"prompt\": \"q\", \"completion\": \"\\n\\nx y \\n\"}", NEED_DEMONSTRATION, "q", "\n\nx y \n", "\n\nx y \n",
     false},
    {"{\"prompt\": \"q\", \"completion\": \"\"}", NEED_DEMONSTRATION, "q", "", "", false},
    {"{\"prompt\": \"q\", \"response\": \"  x\", \"ended\": false}", NEED_RESPONSES, "q", "  x", "  x", true},
    {"{\"prompt\": \"q\", \"responses\": [\"a\", \"<|end|> b\"], \"ended\": [true, false]}", NEED_PAIR, "q",
     "<|end|> b", "<|end|> b", true},
    {"{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \" b\"}", NEED_PAIR, "q", " b", " b", false},
    /* unless the row says that a blank is before them */
    {"{\"prompt\": \"q\", \"responses\": [\"a\", \"b\"], \"blank_before\": true}", NEED_PAIR, "q", " b", "b", false},
    {"{\"prompt\": [" USER "], \"response\": \"b\", \"blank_before\": false}", NEED_RESPONSES, HH, "b", "b", false},
    /* behind turns there is one, as behind their own speakers */
    {"{\"prompt\": [" USER "], \"response\": \"so\"}", NEED_RESPONSES, HH, " so", "so", false},
    {"{\"prompt\": [" USER "], \"response\": \" so\"}", NEED_RESPONSES, HH, " so", " so", false},
    {"{\"prompt\": [" USER "], \"response\": \"\\nso\"}", NEED_RESPONSES, HH, "\nso", "\nso", false},
    {"{\"prompt\": [" USER "], \"response\": \"\"}", NEED_RESPONSES, HH, "", "", false},
    {"{\"prompt\": [" TURNS_JSON "], \"responses\": [\"a\", \"so it is\"]}", NEED_PAIR, TWO, " so it is", "so it is",
     false},
    {"{\"prompt\": [" TURNS_JSON "], \"completion\": [" SAYS("so") "]}", NEED_DEMONSTRATION, TWO, " so", "so", false},
    {"{\"messages\": [" TURNS_JSON ", " SAYS("so") "]}", NEED_DEMONSTRATION, TWO, " so", "so", false},
    {"{\"chosen\": [" USER ", " SAYS("a") "], \"rejected\": [" USER ", " SAYS("so") "]}", NEED_PAIR, HH, " so", "so",
     false},
    {"{\"prompt\": [{\"role\": \"system\", \"content\": \"Be.\"}, " USER "], \"response\": \"so\"}", NEED_RESPONSES,
     "\n\nSystem: Be." HH, " so", "so", false},
    {"{\"prompt\": [" USER ", " SAYS("yes") ", {\"role\": \"tool\", \"content\": \"4\"}], \"response\": \"so\"}",
     NEED_RESPONSES, "\n\nHuman: hi\n\nAssistant: yes\n\nTool: 4\n\nAssistant:", " so", "so", false},
    /* transcripts are their own text */
    {"{\"chosen\": \"" HH_JSON " yes\", \"rejected\": \"" HH_JSON " so \"}", NEED_PAIR, HH, " so ", "so ", false},
    {"{\"chosen\": \"" TWO_JSON " so\", \"rejected\": \"" TWO_JSON " b\"}", NEED_DEMONSTRATION, TWO, " so", "so",
     false},
    {"{\"chosen\": \"" HH_JSON " yes\", \"rejected\": \"" HH_JSON " so" HH_JSON " b\"}", NEED_PAIR, HH, " so" HH " b",
     "so" HH " b", false},
    {"{\"chosen\": \"Human:hi\\n\\n\\nAssistant:a\", \"rejected\": \"Human:hi\\n\\n\\nAssistant:so\"}", NEED_PAIR,
     "Human:hi\n\n\nAssistant:", "so", "so", false},
    {"{\"chosen\": \"" HH_JSON "\", \"rejected\": \"" HH_JSON "  \\tso\"}", NEED_PAIR, HH, "  \tso", " \tso", false},
    /* summaries stand behind a colon, whichever way the data set has them */
    {"{" INFO ", \"summaries\": [{\"text\": \" a\"}, {\"text\": \" My so\"}], \"choice\": 1}", NEED_PAIR, TLDR,
     " My so", "My so", false},
    {"{" INFO ", \"summaries\": [{\"text\": \"a\"}, {\"text\": \"so\"}], \"choice\": 1}", NEED_DEMONSTRATION, TLDR,
     " so", "so", false},
};

static Ids encoded(const Model *m, const char *text, int how, bool begins)
{
    Err err = {0};
    Ids ids = {0};
    if (begins)
        render_begin(m, &ids);
    need_ok(tokenizer_encode(m->tokenizer, text, strlen(text), how, &ids, &err), &err);
    return ids;
}

static void same_ids(const char *what, const char *row, const int *got, int n, const int *wanted, int n_wanted)
{
    if (n != n_wanted || (n > 0 && memcmp(got, wanted, (size_t)n * sizeof *got) != 0))
        fail_msg("%s of %s: %d ids, not the %d wanted", what, row, n, n_wanted);
}

/* The row's last response under the model: prompt, then what is drawn, then the end. */
static void check_row(const Model *m, const char *end, const char *json, const Shape *s, bool chat)
{
    Err err = {0};
    json_t *row;
    RowView v;
    need_ok(json_parse(json, strlen(json), "a row", &row, &err) && row_view(row, s->need, &v, &err), &err);
    Ids whole = {0}, prompt = {0}, drawn = encoded(m, chat ? s->text : s->drawn, TOKENIZE_BARE, false);
    int from;
    Context as_sampled = context_copy(&v.context);
    need_ok(render_context(m, &as_sampled, chat, &prompt, &err), &err);
    need_ok(render_whole(m, &v, v.n - 1, chat, &whole, &from, &err), &err);
    same_ids("the prompt", json, whole.id, from, prompt.id, prompt.n);
    if (!chat) {
        Ids wanted = encoded(m, s->prompt, 0, true);
        same_ids("the text of the prompt", json, whole.id, from, wanted.id, wanted.n);
        ids_release(&wanted);
    }
    bool ended = !s->cut_off;
    same_ids("the response", json, whole.id + from, whole.n - from - ended, drawn.id, drawn.n);
    assert_true(!ended || whole.id[whole.n - 1] == tokenizer_find(m->tokenizer, end));
    assert_true(!ended || tokenizer_ends(m->tokenizer, whole.id[whole.n - 1])); /* there sampling stops */
    Response y = {.ids = {.id = whole.id + from, .n = whole.n - from}};
    char *text = response_text(m, &y); /* as sampling writes it */
    assert_string_equal(text, chat ? s->text : s->drawn);
    free(text);
    context_release(&as_sampled);
    ids_release(&drawn), ids_release(&prompt), ids_release(&whole);
    row_view_release(&v);
    json_decref(row);
}

static void every_shape(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        const char *end[2];
        Model *m = model_of((Kind)kind, end);
        for (int i = 0; i < COUNT(shapes); i++)
            for (int chat = 0; chat < 2; chat++)
                check_row(m, end[chat], shapes[i].row, &shapes[i], chat);
        model_free(m);
    }
}

/* Imported they are read the same, but for transcripts that speak in another form than "Human: ". */
static void imported(void **state)
{
    (void)state;
    const char *end[2];
    Model *m = model_of(LLAMA, end);
    for (int i = 0; i < COUNT(shapes); i++) {
        Err err = {0};
        json_t *row;
        Imported out;
        need_ok(json_parse(shapes[i].row, strlen(shapes[i].row), "a row", &row, &err), &err);
        if (!strstr(shapes[i].row, "Human:hi")) {
            need_ok(import_row(row, IMPORT_AUTO, &out, &err), &err);
            char *json = json_text(json_array_get(out.rows, 0));
            for (int chat = 0; chat < 2; chat++)
                check_row(m, end[chat], json, &shapes[i], chat);
            free(json);
            json_decref(out.rows);
        }
        json_decref(row);
    }
    static const Shape post = {NULL, NEED_DEMONSTRATION, TLDR, " so", "so", false};
    for (int blank = 0; blank < 2; blank++) {
        Err err = {0};
        Imported out;
        json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "subreddit", "S", "title", "T", "post", "P", "summary",
                                blank ? " so" : "so");
        need_ok(import_row(row, IMPORT_AUTO, &out, &err), &err);
        char *json = json_text(json_array_get(out.rows, 0));
        for (int chat = 0; chat < 2; chat++)
            check_row(m, end[chat], json, &post, chat);
        free(json);
        json_decref(out.rows), json_decref(row);
    }
    model_free(m);
}

/* --- what sample writes ----------------------------------------------------------------------------------------- */

static bool canonical(const Model *m, const Response *y)
{
    char *text = response_text(m, y);
    Ids ids = encoded(m, text, TOKENIZE_BARE, false);
    bool same =
        ids.n > 0 && ids.n == y->ids.n - y->ended && memcmp(ids.id, y->ids.id, (size_t)ids.n * sizeof *ids.id) == 0;
    ids_release(&ids);
    free(text);
    return same;
}

/* Draws again what `sample` drew for a row. */
static Response draw_again(Model *m, const Row *row, const Ids *prompt, int sample, int most)
{
    Err err = {0};
    Sampling how = {.temperature = 0.9, .top_p = 1, .max_new_tokens = most};
    Response y = {.prompt = prompt->id,
                  .n_prompt = prompt->n,
                  .key = {.purpose = RNG_SAMPLE, .row = row->identity, .sample = (uint32_t)sample}};
    need_ok(generate(m, &y, 1, &how, NULL, NULL, &err), &err);
    return y;
}

/* Prompts of every kind go through `sample`; its rows are read as what was drawn, wherever the text has those ids. */
static void sampled(void **state)
{
    (void)state;
    enum { SAMPLES = 40, MOST = 2 };
    static const char prompts[] =
        "{\"prompt\": \"one two\"}\n"
        "{\"prompt\": [" TURNS_JSON "]}\n"
        "{\"prompt\": \"TL;DR:\", \"completion\": \"x\", \"blank_before\": true}\n"
        "{\"chosen\": \"" HH_JSON " a\", \"rejected\": \"" HH_JSON " b\"}\n"
        "{\"chosen\": \"Human:hi\\n\\nAssistant: a\", \"rejected\": \"Human:hi\\n\\nAssistant: b\"}\n"
        "{" INFO ", \"summaries\": [{\"text\": \" a\"}, {\"text\": \" b\"}], \"choice\": 1}\n";
    Bench b;
    Err err = {0};
    Model *m;
    bench_begin(&b);
    char *path = bench_path(&b, "shapes.jsonl");
    need_ok(file_write(path, prompts, strlen(prompts), &err) &&
                model_load(&m, TINY_LLAMA_DIR, b.work.device, HEAD_LM, &err),
            &err);
    int same = 0, glued = 0;
    for (int chat = 0; chat < 2; chat++)
        for (int n = 1; n <= SAMPLES; n += SAMPLES - 1) {
            char n_option[20];
            snprintf(n_option, sizeof n_option, "n=%d", n);
            need_ok(bench_run(&b, &sample_table, sample_stage, "sample", &err, "prompts=@shapes.jsonl",
                              "model=" TINY_LLAMA_DIR, n_option, "max-new-tokens=2", chat ? "chat=true" : "chat=false",
                              NULL),
                    &err);
            json_t *list = bench_rows(&b, "sample");
            Rows rows;
            need_ok(rows_read(&rows, path, 0, false, &err) && rows_view(&rows, NEED_PROMPT, false, &err), &err);
            for (int i = 0; i < rows.n; i++) {
                RowView v;
                Ids prompt = {0};
                need_ok(row_view(json_array_get(list, (size_t)i), NEED_RESPONSES, &v, &err) &&
                            render_context(m, &rows.row[i].view.context, chat, &prompt, &err),
                        &err);
                for (int k = 0; k < n; k++) {
                    Response y = draw_again(m, &rows.row[i], &prompt, k, MOST);
                    Ids whole = {0};
                    int from;
                    need_ok(render_whole(m, &v, k, chat, &whole, &from, &err), &err);
                    same_ids("the sampled prompt", "a row", whole.id, from, prompt.id, prompt.n);
                    if (canonical(m, &y)) {
                        int end = y.ended;
                        same_ids("the sample", v.response[k].text, whole.id + from, whole.n - from - end, y.ids.id,
                                 y.ids.n - end);
                        glued += blank_before(&v.context, v.response[k].text) && !v.response[k].blank_before;
                        same++;
                    }
                    ids_release(&whole);
                    response_release(&y);
                }
                ids_release(&prompt);
                row_view_release(&v);
            }
            rows_release(&rows);
            json_decref(list);
        }
    assert_true(same > 50 && glued > 0); /* of both there are some to look at */
    model_free(m);
    free(path);
    bench_end(&b);
}

/* --- what a reward model reads in rl --------------------------------------------------------------------------------- */

/* A rollout's reward is that of the row that `sample` would have written: by the policy's ids, whichever token ended them, and
 * by the text. */
static void rollouts(void **state)
{
    (void)state;
    static const char *const text[] = {"so", " so", "\nso it", ""};
    Bench b;
    Err err = {0};
    Model *policy;
    RewardModel *reward;
    bench_begin(&b);
    char *dir = bench_path(&b, "reward");
    for (int chat = 0; chat < 2; chat++) {
        need_ok(model_load_text(&policy, TINY_LLAMA_DIR, 0, &err) &&
                    reward_model_open(&reward, dir, b.work.device, CHAT_DATE, chat ? CHAT_TRUE : CHAT_FALSE, &err),
                &err);
        int other = tokenizer_find(policy->tokenizer, "<|endoftext|>");
        assert_true(tokenizer_ends(policy->tokenizer, other) && other != tokenizer_eos(policy->tokenizer));
        for (int turns = 0; turns < 2; turns++)
            for (int i = 0; i < COUNT(text); i++)
                for (int end = 0; end < 3; end++) {
                    json_t *row =
                        turns ? json_pack("{s:[{s:s, s:s}], s:s, s:b, s:b}", "prompt", "role", "user", "content", "hi",
                                          "response", text[i], "ended", end > 0, "blank_before", 0)
                              : json_pack("{s:s, s:s, s:b}", "prompt", "hi", "response", text[i], "ended", end > 0);
                    RowView v;
                    double wanted;
                    need_ok(row_view(row, NEED_RESPONSES, &v, &err), &err);
                    Rewarded rewarded = {.view = &v, .where = "row"};
                    need_ok(reward_model_rows(reward, &rewarded, 1, (Room){0}, &wanted, &err), &err);
                    Ids prompt = {0}, drawn = encoded(policy, text[i], TOKENIZE_BARE, false);
                    need_ok(render_context(policy, &v.context, chat, &prompt, &err), &err);
                    if (end > 0)
                        ids_add(&drawn, end == 1 ? tokenizer_eos(policy->tokenizer) : other);
                    Row of_prompt = {.view = v};
                    const Rows rows = {.row = &of_prompt, .n = 1};
                    for (int same = 0; same < 2 && drawn.n > 0; same++) {
                        Rollout r = {.prompt = &prompt, .y = {.ids = drawn, .ended = end > 0}};
                        RewardPart part = {.weight = 1, .scale = 1, .model = reward, .same_ids = same};
                        RewardSource source = {.part = &part, .parts = 1, .policy_chats = chat};
                        need_ok(rollouts_reward(&r, 1, &source, policy, &rows, &err), &err);
                        free(r.part);
                        if (r.reward != wanted)
                            fail_msg("chat %d, turns %d, \"%s\", end %d, same %d: %.9g, not %.9g", chat, turns, text[i],
                                     end, same, r.reward, wanted);
                    }
                    ids_release(&prompt), ids_release(&drawn);
                    row_view_release(&v);
                    json_decref(row);
                }
        reward_model_free(reward);
        model_free(policy);
    }
    free(dir);
    bench_end(&b);
}

/* A sequence begins with BOS once, whoever writes it. */
static void begins_once(void **state)
{
    (void)state;
    static const char *const text[] = {"so", "<|begin|>so", "", "<|begin|>"};
    const char *end[2];
    Model *m = model_of(PREFIXED, end);
    int bos = tokenizer_bos(m->tokenizer);
    for (int i = 0; i < COUNT(text); i++) {
        Err err = {0};
        Ids ids = {0};
        need_ok(render_raw(m, text[i], &ids, &err), &err);
        assert_true(ids.id[0] == bos && (ids.n == 1 || ids.id[1] != bos));
        ids_release(&ids);
    }
    model_free(m);
}

/* FOLDER: the tiny model, to whose tokenizer.json "<|begin|>" is no special token. */
static void unmark_begin(const char *folder)
{
    static const char *const files[] = {"config.json", "tokenizer_config.json", "chat_template.jinja",
                                        "model.safetensors", "tokenizer.json"};
    for (int i = 0; i < COUNT(files); i++) {
        Err err = {0};
        size_t n;
        char *text, *from = path_join(TINY_LLAMA_DIR, files[i]), *to = path_join(folder, files[i]);
        need_ok(file_read(from, 1 << 24, &text, &n, &err), &err);
        char *begin = i == COUNT(files) - 1 ? strstr(text, "\"<|begin|>\"") : NULL;
        char *special = begin ? strstr(begin, "\"special\": true") : NULL;
        if (special)
            memcpy(special, "\"special\":false", 15);
        need_ok(file_write(to, text, n, &err), &err);
        free(text), free(from), free(to);
    }
}

static int count_of(const Ids *ids, int id)
{
    int n = 0;
    for (int i = 0; i < ids->n; i++)
        n += ids->id[i] == id;
    return n;
}

/* A mark of the maker that a loaded model's template writes is no row's to write; in a reply it is what a policy draws. */
static void template_marks(void **state)
{
    (void)state;
    static const char *const content[] = {"x", "<|begin|>", "<|begin|>assistant"};
    Err err = {0};
    Model *m;
    Ids reply = {0};
    int marks = 0;
    char *folder = make_folder();
    unmark_begin(folder);
    need_ok(model_load_text(&m, folder, 0, &err), &err);
    int begin = tokenizer_find(m->tokenizer, "<|begin|>");
    for (int i = 0; i < COUNT(content); i++) {
        Ids ids = {0};
        json_t *turns = json_pack("[{s:s, s:s}]", "role", "user", "content", content[i]);
        need_ok(render_chat_text(m, turns, "", &ids, &err), &err);
        marks = i ? marks : count_of(&ids, begin);
        assert_true(marks > 1 && count_of(&ids, begin) == marks);
        ids.n = 0;
        need_ok(tokenizer_encode(m->tokenizer, content[i], strlen(content[i]), 0, &ids, &err), &err);
        assert_int_equal(count_of(&ids, begin), 0);
        json_decref(turns);
        ids_release(&ids);
    }
    need_ok(render_response(m, "<|begin|>", true, false, &reply, &err), &err);
    assert_true(reply.n == 1 && reply.id[0] == begin);
    ids_release(&reply);
    model_free(m);
    remove_folder(folder);
}

/* What has no token at all is refused, for nothing follows from it: an empty text, and a template that writes nothing. */
static void nothing_to_read(void **state)
{
    (void)state;
    Err none[3] = {{0}};
    Model *m;
    Ids ids = {0};
    json_t *turns = json_pack("[{s:s, s:s}]", "role", "user", "content", "x");
    char nothing[] = "", word[] = "x";
    Context empty = {.text = nothing}, some = {.text = word};
    need_ok(model_load_text(&m, TINY_LLAMA_DIR, 0, &none[0]), &none[0]);
    chat_template_free(m->chat);
    m->chat = chat_template_new("{% if false %}x{% endif %}", NULL, NULL, NULL);
    assert_false(render_plain(m, "", &ids, &none[0]));
    assert_false(render_context(m, &empty, false, &ids, &none[1]));
    assert_false(render_context(m, &some, true, &ids, &none[2]));
    for (int i = 0; i < COUNT(none); i++)
        says(none[i].msg, "the prompt has no tokens");
    Err err = {0};
    need_ok(render_chat_text(m, turns, "x", &ids, &err), &err); /* a judge's ending is some */
    json_decref(turns);
    ids_release(&ids);
    model_free(m);
}

/* A prompt that is answered is none: the reply would be another turn, with chat and without, for a policy and for a reward model
 * of others. */
static void answered(void **state)
{
    (void)state;
    static const char row[] = "{\"prompt\": [{\"role\": \"user\", \"content\": \"x\"}, "
                              "{\"role\": \"assistant\", \"content\": \"It is\"}], \"response\": \"y\"}";
    Err err = {0};
    Model *m;
    json_t *json;
    RowView v;
    need_ok(model_load_text(&m, TINY_LLAMA_DIR, 0, &err) && json_parse(row, strlen(row), "row", &json, &err) &&
                row_view(json, NEED_RESPONSES, &v, &err),
            &err);
    for (int i = 0; i < 4; i++) {
        Err why = {0};
        Ids ids = {0};
        int from;
        m->whole_chats = i == 3;
        assert_false(i < 2 ? render_context(m, &v.context, i, &ids, &why)
                           : render_whole(m, &v, 0, true, &ids, &from, &why));
        says(why.msg, "the prompt ends with the assistant's turn");
        ids_release(&ids);
    }
    row_view_release(&v);
    json_decref(json);
    model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answered),        cmocka_unit_test(every_shape),
                                       cmocka_unit_test(begins_once),     cmocka_unit_test(template_marks),
                                       cmocka_unit_test(nothing_to_read), cmocka_unit_test(imported),
                                       cmocka_unit_test(sampled),         cmocka_unit_test(rollouts)};
    return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
