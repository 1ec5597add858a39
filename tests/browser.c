/* A browser for tests: messages of the DevTools protocol are JSON, each ended by a NUL, in on descriptor 3, out on 4. */
#include "browser.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 60 /* seconds for one answer: the machine may be busy */ };

struct Browser {
    pid_t pid;
    int in, out;
    int number; /* of the last message */
    char *session;
    Str got; /* bytes that are no whole message yet */
};

/* --- messages ------------------------------------------------------------------------------------------- */

static void send_message(Browser *b, const char *method, json_t *params)
{
    json_t *message = json_pack("{s:i, s:s, s:o}", "id", ++b->number, "method", method, "params", params);
    if (b->session)
        json_object_set_new(message, "sessionId", json_string(b->session));
    char *text = json_text(message);
    size_t n = strlen(text) + 1;
    for (size_t sent = 0; sent < n;) {
        ssize_t k = write(b->in, text + sent, n - sent);
        if (k < 0 && errno != EINTR)
            fail_msg("the browser has gone: %s", strerror(errno));
        sent += k > 0 ? (size_t)k : 0;
    }
    free(text);
    json_decref(message);
}

/* The next message; release it with json_decref. */
static json_t *read_message(Browser *b)
{
    Err err = {0};
    json_t *message;
    char chunk[65536], *end;
    while (!(end = b->got.n ? memchr(b->got.text, 0, b->got.n) : NULL)) {
        struct pollfd ready = {.fd = b->out, .events = POLLIN};
        if (poll(&ready, 1, PATIENCE * 1000) != 1)
            fail_msg("the browser says nothing");
        ssize_t n = read(b->out, chunk, sizeof chunk);
        if (n <= 0)
            fail_msg("the browser has gone");
        str_addn(&b->got, chunk, (size_t)n);
    }
    size_t n = (size_t)(end - b->got.text), rest = b->got.n - n - 1;
    need_ok(json_parse(b->got.text, n, "the browser", &message, &err), &err);
    memmove(b->got.text, end + 1, rest);
    b->got.n = rest;
    b->got.text[rest] = 0;
    return message;
}

/* Sends a command and waits for its result, which json_decref releases. Takes params over. */
static json_t *command(Browser *b, const char *method, json_t *params)
{
    send_message(b, method, params);
    for (;;) {
        json_t *message = read_message(b);
        if (json_integer_value(json_object_get(message, "id")) == b->number) {
            json_t *result = json_incref(json_object_get(message, "result"));
            if (!result)
                fail_msg("%s: %s", method, json_text(message));
            json_decref(message);
            return result;
        }
        json_decref(message); /* an event */
    }
}

static void tell(Browser *b, const char *method, json_t *params)
{
    json_decref(command(b, method, params));
}

/* --- the process ---------------------------------------------------------------------------------------- */

/* Chromium's program in PATH, which the caller frees; NULL: there is none. */
static char *find_chromium(void)
{
    static const char *const names[] = {"chromium", "chromium-browser", "google-chrome"};
    const char *path = getenv("PATH");
    for (int i = 0; i < COUNT(names); i++)
        for (const char *at = path ? path : ""; *at;) {
            size_t n = strcspn(at, ":");
            char *file = mem_printf("%.*s/%s", (int)n, at, names[i]);
            if (access(file, X_OK) == 0)
                return file;
            free(file);
            at += n + (at[n] == ':');
        }
    return NULL;
}

/* In the child: becomes the browser, in a group of processes of its own. */
static _Noreturn void become(const char *program, const char *folder, const int in[2], const int out[2])
{
    char *profile = mem_printf("--user-data-dir=%s/profile", folder);
    const char *const args[] = {program,
                                "--headless",
                                "--no-sandbox",
                                "--disable-gpu",
                                "--disable-dev-shm-usage",
                                "--no-first-run",
                                "--disable-background-networking",
                                "--disable-component-update",
                                "--window-size=1200,900",
                                "--remote-debugging-pipe",
                                profile,
                                "about:blank",
                                NULL};
    int from = fcntl(in[0], F_DUPFD, 10), to = fcntl(out[1], F_DUPFD, 10), nothing = open("/dev/null", O_RDWR);
    setpgid(0, 0);
    setenv("HOME", folder, 1);
    dup2(nothing, 1);
    dup2(nothing, 2);
    if (dup2(from, 3) == 3 && dup2(to, 4) == 4) {
        for (int fd = 5; fd < 64; fd++)
            close(fd);
        execv(program, (char *const *)(uintptr_t)args);
    }
    _exit(127);
}

bool browser_is_there(void)
{
    char *program = find_chromium();
    bool there = program != NULL;
    free(program);
    return there;
}

Browser *browser_start(const char *folder)
{
    char *program = find_chromium(), *full = realpath(folder, NULL);
    int in[2], out[2];
    assert_true(program && full && pipe(in) == 0 && pipe(out) == 0);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    Browser *b = mem_zalloc(1, sizeof *b);
    b->pid = fork();
    if (b->pid == 0)
        become(program, full, in, out);
    setpgid(b->pid, b->pid);
    close(in[0]);
    close(out[1]);
    b->in = in[1];
    b->out = out[0];
    tell(b, "Browser.setDownloadBehavior", json_pack("{s:s, s:s}", "behavior", "allow", "downloadPath", full));
    json_t *target = command(b, "Target.createTarget", json_pack("{s:s}", "url", "about:blank"));
    json_t *session = command(b, "Target.attachToTarget",
                              json_pack("{s:O, s:b}", "targetId", json_object_get(target, "targetId"), "flatten", 1));
    b->session = mem_str(json_text_of(session, "sessionId"));
    json_decref(target);
    json_decref(session);
    free(program);
    free(full);
    return b;
}

void browser_stop(Browser *b)
{
    if (!b)
        return;
    kill(-b->pid, SIGKILL);
    while (waitpid(-b->pid, NULL, 0) > 0 || errno == EINTR) /* those that it had started become ours */
        continue;
    close(b->in);
    close(b->out);
    str_release(&b->got);
    free(b->session);
    free(b);
}

/* --- pages ---------------------------------------------------------------------------------------------- */

json_t *browser_value(Browser *b, const char *expression)
{
    json_t *result =
        command(b, "Runtime.evaluate",
                json_pack("{s:s, s:b, s:b}", "expression", expression, "returnByValue", 1, "awaitPromise", 1));
    if (json_object_get(result, "exceptionDetails"))
        fail_msg("%s: %s", expression, json_text(result));
    json_t *value = json_incref(json_object_get(json_object_get(result, "result"), "value"));
    json_decref(result);
    return value ? value : json_null();
}

void browser_do(Browser *b, const char *statement)
{
    json_decref(browser_value(b, statement));
}

void browser_wait(Browser *b, const char *expression)
{
    for (int i = 0; i < PATIENCE * 50; i++) {
        json_t *value = browser_value(b, expression);
        bool is_true = json_is_true(value);
        json_decref(value);
        if (is_true)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    json_t *text = browser_value(b, "document.body.innerText");
    fail_msg("not so after %d seconds: %s; the page:\n%s", PATIENCE, expression, json_string_value(text));
}

void browser_go(Browser *b, const char *url)
{
    json_t *result = command(b, "Page.navigate", json_pack("{s:s}", "url", url));
    if (json_object_get(result, "errorText"))
        fail_msg("%s: %s", url, json_text_of(result, "errorText"));
    json_decref(result);
    browser_wait(b, "document.readyState === 'complete'");
    /* Before a page is painted for the first time the browser drops what hands do. */
    browser_do(b, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => true)");
}

/* --- hands ---------------------------------------------------------------------------------------------- */

static void mouse(Browser *b, const char *what, double x, double y)
{
    bool moved = strcmp(what, "mouseMoved") == 0;
    tell(b, "Input.dispatchMouseEvent",
         json_pack("{s:s, s:f, s:f, s:s, s:i}", "type", what, "x", x, "y", y, "button", moved ? "none" : "left",
                   "clickCount", moved ? 0 : 1));
}

void browser_click(Browser *b, const char *selector, int n)
{
    char *middle = mem_printf("(() => { const e = document.querySelectorAll('%s')[%d];"
                              "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
                              "return [r.x + r.width / 2, r.y + r.height / 2]; })()",
                              selector, n);
    json_t *at = browser_value(b, middle);
    double x = json_number_value(json_array_get(at, 0)), y = json_number_value(json_array_get(at, 1));
    mouse(b, "mouseMoved", x, y);
    mouse(b, "mousePressed", x, y);
    mouse(b, "mouseReleased", x, y);
    json_decref(at);
    free(middle);
}

/* A key by its name in KeyboardEvent.key, its code of Windows, and the text that it makes. */
static void press(Browser *b, const char *key, int code, const char *text)
{
    json_t *down = json_pack("{s:s, s:s, s:i}", "type", "keyDown", "key", key, "windowsVirtualKeyCode", code);
    if (text)
        json_object_set_new(down, "text", json_string(text));
    tell(b, "Input.dispatchKeyEvent", down);
    tell(b, "Input.dispatchKeyEvent",
         json_pack("{s:s, s:s, s:i}", "type", "keyUp", "key", key, "windowsVirtualKeyCode", code));
}

void browser_key(Browser *b, const char *key)
{
    static const struct {
        const char *name;
        int code;
        const char *text;
    } keys[] = {{"Enter", 13, "\r"},
                {"Backspace", 8, NULL},
                {"Tab", 9, NULL},
                {"ArrowLeft", 37, NULL},
                {"ArrowRight", 39, NULL}};
    for (int i = 0; i < COUNT(keys); i++)
        if (strcmp(keys[i].name, key) == 0) {
            press(b, key, keys[i].code, keys[i].text);
            return;
        }
    press(b, key, toupper((unsigned char)key[0]), key);
}

void browser_type(Browser *b, const char *text)
{
    for (const char *c = text; *c; c++)
        browser_key(b, (const char[2]){*c, 0});
}
