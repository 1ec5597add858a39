/* HH transcripts: a conversation in one text. */
#include "rlaif/rows/transcript.h"

#include "base/mem.h"

static const char HUMAN[] = "\n\nHuman:", ASSISTANT[] = TRANSCRIPT_ASSISTANT;

static json_t *turn(const char *role, const char *text, size_t n)
{
    return json_pack("{s:s, s:s%}", "role", role, "content", text, n);
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \n\t");
}

/* Where the next turn begins at or after s, or the end. */
static const char *next_turn(const char *s)
{
    const char *h = strstr(s, HUMAN), *a = strstr(s, ASSISTANT), *end = s + strlen(s);
    h = h ? h : end;
    a = a ? a : end;
    return h < a ? h : a;
}

bool transcript_is(const char *s)
{
    s = skip_blanks(s);
    return str_starts(s, "Human:") && strstr(s, ASSISTANT);
}

void transcript_split(const char *s, json_t **turns, const char **reply)
{
    *turns = json_array();
    *reply = NULL;
    for (s = skip_blanks(s); *s;) {
        bool human = str_starts(s, "Human:");
        const char *text = s + (human ? strlen("Human:") : strlen("Assistant:")), *end = next_turn(text);
        bool last = *end == 0;
        if (last && !human) {
            *reply = text;
        } else {
            text += *text == ' ';
            json_array_append_new(*turns, turn(human ? "user" : "assistant", text, (size_t)(end - text)));
        }
        s = last ? end : skip_blanks(end);
    }
}

bool transcript_is_answered(const char *s)
{
    const char *reply;
    json_t *turns;
    transcript_split(s, &turns, &reply);
    json_decref(turns);
    return reply != NULL;
}

/* Bytes up to and with the last "Assistant:" that two transcripts have in common; 0: there is none. */
static size_t shared_head(const char *a, const char *b)
{
    size_t same = 0, at = 0;
    while (a[same] && a[same] == b[same])
        same++;
    for (const char *s = a; (s = strstr(s, ASSISTANT)); s += strlen(ASSISTANT))
        if ((size_t)(s - a) + strlen(ASSISTANT) <= same)
            at = (size_t)(s - a) + strlen(ASSISTANT);
    return at;
}

static bool split_at_shared_head(const char *const transcript[2], json_t **turns, const char *reply[2])
{
    size_t head = shared_head(transcript[0], transcript[1]);
    if (head == 0)
        return false;
    char *before = mem_strn(transcript[0], head - strlen(ASSISTANT));
    const char *last;
    transcript_split(before, turns, &last);
    if (last) { /* two turns of the assistant, one after the other */
        last += *last == ' ';
        json_array_append_new(*turns, turn("assistant", last, strlen(last)));
    }
    for (int i = 0; i < 2; i++)
        reply[i] = transcript[i] + head;
    free(before);
    return true;
}

bool transcript_split_pair(const char *const text[2], json_t **turns, const char *reply[2])
{
    json_t *other;
    transcript_split(text[0], turns, &reply[0]);
    transcript_split(text[1], &other, &reply[1]);
    bool ok = reply[0] && reply[1] && json_equal(*turns, other);
    json_decref(other);
    if (ok)
        return true;
    json_decref(*turns);
    *turns = NULL;
    return split_at_shared_head(text, turns, reply);
}

json_t *transcript_prompt(const char *text)
{
    const char *reply;
    json_t *turns;
    if (!transcript_is(text))
        return NULL;
    transcript_split(text, &turns, &reply);
    if (!reply || !*skip_blanks(reply))
        return turns;
    json_decref(turns); /* the reply has begun: as turns it would be over */
    return NULL;
}
