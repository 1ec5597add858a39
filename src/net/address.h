/* Addresses of services: base addresses in one form, and what the environment says of the way to them. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/err.h"

/* What the environment says (it is read in src/cli); NULL: nothing. */
typedef struct HttpEnvironment {
    const char *key;          /* sent as "Authorization: Bearer KEY"; taken out of every reply and message */
    const char *certificates; /* of the authorities to trust: a file in PEM, or a folder as OpenSSL has them */
    const char *http_proxy, *https_proxy, *all_proxy;
    const char *no_proxy; /* names, addresses and networks that are asked without a proxy; "*": all */
} HttpEnvironment;

/* A base address in one form: scheme and host in lower case, no '/' at its end, no blanks around it, and no operation
 * of the API (".../chat/completions"), for it is often copied with one. The caller frees *out. Fails for what is no
 * http or https address, and for one with a name, a password, a query or a fragment, which may be secrets. */
bool http_address(const char *url, char **out, Err *err) MUST_CHECK;

/* The proxy by which an address is asked, as the environment has it, or NULL. This machine is asked without one. */
const char *http_proxy_of(const HttpEnvironment *e, const char *url);
/* A proxy for people: without its name and password. The caller frees it. */
char *http_proxy_name(const char *proxy);

#endif
