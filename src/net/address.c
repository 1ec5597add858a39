/* Addresses of services. */
#include "net/address.h"

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>

/* A part of an address; NULL where there is none. Free with curl_free. */
static char *part_of(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(u, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/* --- base addresses ------------------------------------------------------------------------------------- */

static bool has_secret(CURLU *u)
{
    static const CURLUPart parts[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT};
    bool found = false;
    for (int i = 0; i < COUNT(parts); i++) {
        char *text = part_of(u, parts[i]);
        found = found || text;
        curl_free(text);
    }
    return found;
}

/* Bytes of a path that are a base: without what an operation adds, and '/'. */
static size_t base_length(const char *path)
{
    static const char *const operations[] = {"/chat/completions", "/completions", "/chat",
                                             "/responses",        "/embeddings",  "/models"};
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == '/')
        n--;
    for (int i = 0; i < COUNT(operations); i++) {
        size_t more = strlen(operations[i]);
        if (n < more || memcmp(path + n - more, operations[i], more) != 0)
            continue;
        for (n -= more; n > 0 && path[n - 1] == '/';)
            n--;
        break;
    }
    return n;
}

static char *in_one_form(CURLU *u)
{
    char *scheme = part_of(u, CURLUPART_SCHEME), *host = part_of(u, CURLUPART_HOST), *port = part_of(u, CURLUPART_PORT),
         *path = part_of(u, CURLUPART_PATH), *out = NULL;
    bool http = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    for (char *c = host; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    size_t n = path ? base_length(path) : 0;
    if (http && host && host[0])
        out = mem_printf("%s://%s%s%s%.*s", scheme, host, port ? ":" : "", port ? port : "", (int)n, path ? path : "");
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    return out;
}

/* A host without its scheme ("localhost:8080/v1"), or NULL: what may have been meant. The caller frees it. */
static char *with_scheme(const char *url)
{
    CURLU *u = curl_url();
    char *guess = mem_printf("http://%s", url), *out = NULL;
    if (!strstr(url, "://") && curl_url_set(u, CURLUPART_URL, guess, 0) == CURLUE_OK && !has_secret(u))
        out = in_one_form(u);
    free(guess);
    curl_url_cleanup(u);
    return out;
}

/* `base` is what the address has without secrets, or NULL. */
static bool refuse(const char *url, bool secret, const char *base, Err *err)
{
    /* What is no address may hold a password or a key, or be one. */
    bool shown = !strpbrk(url, "@?#%;=&") && (strpbrk(url, ".:/") || !url[0] || strcmp(url, "localhost") == 0);
    char *guess = secret || !shown ? NULL : with_scheme(url);
    if (secret) { /* which must not be shown */
        err_set(err, ERR_INPUT, "the address of the endpoint holds more than scheme, host and path");
        err_hint(err, "give the base address alone%s%s; the key comes from the environment: OPENAI_API_KEY",
                 base ? ": " : "", base ? base : "");
    } else if (!shown) {
        err_set(err, ERR_INPUT, "the address of the endpoint is no http or https address");
    } else {
        err_set(err, ERR_INPUT, "\"%s\" is no http or https address", url);
    }
    if (guess)
        err_hint(err, "the address begins with its scheme: %s", guess);
    free(guess);
    return err_hint(err, "give the base address alone, such as http://127.0.0.1:8080/v1; the key comes from the "
                         "environment");
}

bool http_address(const char *url, char **out, Err *err)
{
    CURLU *u = curl_url();
    size_t n;
    while (isspace((unsigned char)*url))
        url++;
    for (n = strlen(url); n > 0 && isspace((unsigned char)url[n - 1]);)
        n--;
    char *text = mem_strn(url, n);
    bool parsed = curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK, secret = parsed && has_secret(u);
    *out = parsed ? in_one_form(u) : NULL;
    curl_url_cleanup(u);
    bool ok = *out && !secret;
    if (!ok) {
        refuse(text, secret, *out, err);
        free(*out);
        *out = NULL;
    }
    free(text);
    return ok;
}

/* --- proxies -------------------------------------------------------------------------------------------- */

/* A host as number: 4 or 16 bytes, or 0 where it is a name. */
static int address_bytes(const char *host, unsigned char out[16])
{
    return inet_pton(AF_INET, host, out) == 1 ? 4 : inet_pton(AF_INET6, host, out) == 1 ? 16 : 0;
}

static bool is_this_machine(const char *host)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}, zeros[16] = {0};
    unsigned char at[16];
    int n = address_bytes(host, at);
    const unsigned char *four = n == 4 ? at : n == 16 && memcmp(at, mapped, 12) == 0 ? at + 12 : NULL;
    if (four)
        return four[0] == 127 || memcmp(four, zeros, 4) == 0;
    if (n == 16)
        return memcmp(at, zeros, 15) == 0 && at[15] <= 1;
    return strcmp(host, "localhost") == 0 || str_ends(host, ".localhost");
}

/* Is a number in "10.0.0.0/8"? */
static bool in_network(const char *host, char *entry)
{
    unsigned char at[16], net[16];
    char *slash = strchr(entry, '/');
    if (slash)
        *slash = 0;
    int n = address_bytes(host, at), bits = slash ? (int)strtol(slash + 1, NULL, 10) : 8 * n;
    if (n == 0 || address_bytes(entry, net) != n || bits < 0 || bits > 8 * n)
        return false;
    int whole = bits / 8, mask = 0xff00 >> bits % 8 & 0xff;
    return memcmp(at, net, (size_t)whole) == 0 && (mask == 0 || (at[whole] & mask) == (net[whole] & mask));
}

/* An entry of no_proxy: "*", a number, a network, or a name, which covers the names below it. */
static bool covers(char *entry, const char *host)
{
    size_t n = strlen(entry), has = strlen(host);
    if (entry[0] == '[' && n > 1 && entry[n - 1] == ']')
        entry[--n] = 0, entry++, n--;
    char *colon = strchr(entry, ':');
    if (colon && !strchr(colon + 1, ':'))
        *colon = 0; /* a port: all of the host's count */
    if (strcmp(entry, "*") == 0 || in_network(host, entry))
        return true;
    entry += *entry == '*' && entry[1] == '.';
    entry += *entry == '.';
    n = strlen(entry);
    return n > 0 && has >= n && strcasecmp(host + has - n, entry) == 0 && (has == n || host[has - n - 1] == '.');
}

static bool without_proxy(const char *list, const char *host)
{
    char *entries = mem_str(list ? list : ""), *rest = NULL;
    bool found = false;
    for (char *e = strtok_r(entries, ", \t", &rest); e && !found; e = strtok_r(NULL, ", \t", &rest))
        found = covers(e, host);
    free(entries);
    return found;
}

const char *http_proxy_of(const HttpEnvironment *e, const char *url)
{
    CURLU *u = curl_url();
    const char *proxy = str_starts(url, "https:") ? e->https_proxy : e->http_proxy;
    proxy = proxy && proxy[0] ? proxy : e->all_proxy;
    char *host = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK ? part_of(u, CURLUPART_HOST) : NULL;
    if (host && host[0] == '[') {
        memmove(host, host + 1, strlen(host));
        host[strcspn(host, "]")] = 0;
    }
    if (!proxy || !proxy[0] || !host || is_this_machine(host) || without_proxy(e->no_proxy, host))
        proxy = NULL;
    curl_free(host);
    curl_url_cleanup(u);
    return proxy;
}

char *http_proxy_name(const char *proxy)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL, *out = NULL;
    if (curl_url_set(u, CURLUPART_URL, proxy, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK) {
        scheme = part_of(u, CURLUPART_SCHEME);
        host = part_of(u, CURLUPART_HOST);
        port = part_of(u, CURLUPART_PORT);
    }
    out = host ? mem_printf("%s://%s%s%s", scheme ? scheme : "http", host, port ? ":" : "", port ? port : "")
               : mem_str("that the environment names");
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return out;
}
