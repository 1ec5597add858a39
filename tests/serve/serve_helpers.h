/* What tests of the server share: a small run with two policies, and requests byte by byte. */
#ifndef TESTS_SERVE_HELPERS_H
#define TESTS_SERVE_HELPERS_H

#include "base/file.h"
#include "base/mem.h"
#include "serve/serve.h"
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Names that a page must not hold, and a text that must stay a text. */
static const char ZEBRA[] = "policy-zebra", OKAPI[] = "policy-okapi";
#define HOSTILE                                                                                                        \
    "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\" onclick='x' <!-- &lt; \\u003c "    \
    "@TITLE@ \xe2\x80\xa8\xe2\x80\xae \x01"

/* --- a run ---------------------------------------------------------------------------------------------- */

static inline void put_stage(Store *store, const char *name, const char *const *response, int n)
{
    Err err = {0};
    json_t *about = json_pack("{s:s}", "policy", name);
    int64_t id = begin_stage(store, name, "sample", name, about);
    for (int i = 0; i < n; i++) {
        char prompt[40];
        snprintf(prompt, sizeof prompt, "Question %d?", i + 1);
        json_t *row = json_pack("{s:s, s:o, s:f}", "prompt", prompt, "response", json_take_text(mem_str(response[i])),
                                "score", strcmp(name, OKAPI) == 0 ? 0.75 : 0.25);
        char *text = json_text(row);
        need_ok(store_item_put(store, id, prompt, i, text, &err), &err);
        free(text);
        json_decref(row);
    }
    json_t *summary = json_pack("{s:i}", "rows", n);
    need_ok(store_stage_end(store, id, NULL, summary, 1.5, &err), &err);
    json_decref(summary);
    json_decref(about);
}

/* Answers to five questions by two policies, okapi's with the better scores; those to the fourth are alike, so four are to
 * be ranked. */
static inline void make_run(const char *folder)
{
    static const char *const zebra[] = {"a long first answer", HOSTILE, "z3", "alike", "z5"}, *const okapi[] = {
                                                                                                  "o1",
                                                                                                  "o2, which is longer",
                                                                                                  "o3", "alike", "o5"};
    Err err = {0};
    Store *store;
    char *path = path_join(folder, "store.sqlite");
    need_ok(store_open(&store, path, &err), &err);
    put_stage(store, ZEBRA, zebra, COUNT(zebra));
    put_stage(store, OKAPI, okapi, COUNT(okapi));
    store_close(store);
    free(path);
}

/* The folder of a run, served. */
typedef struct Bench {
    char *folder;
    ServeOptions options;
    Site *site;
} Bench;

static inline void bench_open(Bench *b)
{
    Err err = {0};
    need_ok(site_open(&b->site, &b->options, &err), &err);
}

static inline void bench_begin(Bench *b)
{
    *b = (Bench){.folder = make_folder()};
    make_run(b->folder);
    b->options = (ServeOptions){.common.seed = 1, .run_dir = b->folder};
    bench_open(b);
}

static inline void bench_end(Bench *b)
{
    site_close(b->site);
    remove_folder(b->folder);
}

/* --- requests ------------------------------------------------------------------------------------------- */

/* What came back: the first line and headers, and the body. */
typedef struct Answer {
    int status; /* 0: the connection was closed without one */
    char *head, *body;
} Answer;

static inline void answer_release(Answer *a)
{
    free(a->head);
    *a = (Answer){0};
}

static inline int connect_to(const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Sends bytes as they are, and reads until the server closes. It answers in this thread. */
static inline Answer exchange(Site *site, const char *bytes, size_t n)
{
    Err err = {0};
    Str got = {0};
    char chunk[65536];
    size_t sent = 0;
    int fd = connect_to("127.0.0.1", site_port(site));
    assert_true(fd >= 0);
    for (bool open = true; open;) {
        if (sent < n) {
            ssize_t k = send(fd, bytes + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            sent = k > 0 ? sent + (size_t)k : errno == EAGAIN ? sent : n;
        }
        need_ok(site_step(site, 5, &err), &err);
        ssize_t k = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (k > 0)
            str_addn(&got, chunk, (size_t)k);
        open = k > 0 || (k < 0 && errno == EAGAIN);
    }
    close(fd);
    Answer a = {.head = str_take(&got)};
    char *end = strstr(a.head, "\r\n\r\n");
    if (end) {
        *end = 0;
        a.body = end + 4;
        a.status = (int)strtol(a.head + strlen("HTTP/1.1 "), NULL, 10);
    }
    return a;
}

/* `first`: "GET /"; `headers`: lines that each end in "\r\n", with Host unless they have one; `body` may be NULL. */
static inline Answer ask(Site *site, const char *first, const char *headers, const char *body)
{
    Str s = {0};
    str_addf(&s, "%s HTTP/1.1\r\n", first);
    if (!strstr(headers, "Host:"))
        str_addf(&s, "Host: 127.0.0.1:%d\r\n", site_port(site));
    str_addf(&s, "Connection: close\r\n%s", headers);
    if (body)
        str_addf(&s, "Content-Length: %zu\r\n", strlen(body));
    str_addf(&s, "\r\n%s", body ? body : "");
    Answer a = exchange(site, str_text(&s), s.n);
    str_release(&s);
    return a;
}

/* The body of a page that must be there. The caller frees it. */
static inline char *get(Site *site, const char *path)
{
    char *first = mem_printf("GET %s", path);
    Answer a = ask(site, first, "", NULL);
    if (a.status != 200)
        fail_msg("%s: %d: %s", path, a.status, a.body ? a.body : "");
    char *body = mem_str(a.body);
    answer_release(&a);
    free(first);
    return body;
}

/* What the page knows: the JSON of its data element. Release it with json_decref. */
static inline json_t *page_data_of(const char *page)
{
    static const char mark[] = "<script type=\"application/json\" id=\"data\">";
    Err err = {0};
    json_t *data = NULL;
    const char *at = strstr(page, mark), *end = at ? strstr(at, "</script>") : NULL;
    assert_non_null(end);
    at += strlen(mark);
    need_ok(json_parse(at, (size_t)(end - at), "the page", &data, &err), &err);
    return data;
}

static inline json_t *rate_data(Site *site, const char *kind)
{
    char *path = mem_printf("/rate?kind=%s", kind), *page = get(site, path);
    json_t *data = page_data_of(page);
    free(page);
    free(path);
    return data;
}

/* POSTs a rating with the page's token. */
static inline Answer post(Site *site, const char *body)
{
    json_t *data = rate_data(site, "rank");
    char *headers = mem_printf("X-Rlaif-Token: %s\r\nContent-Type: application/json\r\n", json_text_of(data, "token"));
    Answer a = ask(site, "POST /rating", headers, body);
    free(headers);
    json_decref(data);
    return a;
}

static inline void need_status(Answer a, int wanted)
{
    if (a.status != wanted)
        fail_msg("%d, not %d: %s", a.status, wanted, a.body ? a.body : "");
    answer_release(&a);
}

/* What the page would send: {"kind", "item", "rater", "ranks" | "harmless"}. The value is taken over. */
static inline char *rating_text(const char *kind, const json_t *item, const char *rater, json_t *value)
{
    json_t *j = json_pack("{s:s, s:O, s:s, s:o}", "kind", kind, "item", json_object_get(item, "id"), "rater", rater,
                          strcmp(kind, "rank") == 0 ? "ranks" : "harmless", value);
    char *text = json_text(j);
    json_decref(j);
    return text;
}

#endif
