/* The libraries that base stands on. */
#include "base/libraries.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <yaml.h>
#include <zlib.h>
#include <zstd.h>

void base_libraries(Str *out)
{
    str_addf(out, "jansson %s, libyaml %s, zlib %s, zstd %s, %s", JANSSON_VERSION, yaml_get_version_string(),
             zlibVersion(), ZSTD_versionString(), OpenSSL_version(OPENSSL_VERSION));
}
