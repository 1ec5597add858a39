/* SHA-256 by libcrypto. */
#include "base/hash.h"

#include "base/mem.h"
#include "base/source.h"

#include <openssl/evp.h>

struct Hash {
    EVP_MD_CTX *ctx;
};

Hash *hash_new(void)
{
    Hash *h = mem_alloc(1, sizeof *h);
    h->ctx = EVP_MD_CTX_new();
    EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL);
    return h;
}

void hash_add(Hash *h, const void *bytes, size_t n)
{
    EVP_DigestUpdate(h->ctx, bytes, n);
}

void hash_add_text(Hash *h, const char *text)
{
    unsigned long long n = strlen(text);
    unsigned char length[8];
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(n >> (8 * i));
    hash_add(h, length, sizeof length);
    hash_add(h, text, (size_t)n);
}

void hash_end(Hash *h, char out[HASH_TEXT])
{
    unsigned char digest[32];
    EVP_DigestFinal_ex(h->ctx, digest, NULL);
    EVP_MD_CTX_free(h->ctx);
    free(h);
    for (int i = 0; i < 32; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void hash_bytes(const void *bytes, size_t n, char out[HASH_TEXT])
{
    Hash *h = hash_new();
    hash_add(h, bytes, n);
    hash_end(h, out);
}

void hash_base64(const void *bytes, size_t n, char out[HASH_BASE64])
{
    unsigned char digest[32];
    EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL);
    EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest);
}

bool hash_file(const char *path, char out[HASH_TEXT], Err *err)
{
    enum { BLOCK = 1 << 20 };
    Source from;
    if (!source_open(&from, path, err))
        return false;
    char *block = mem_alloc(BLOCK, 1);
    Hash *h = hash_new();
    size_t n = BLOCK;
    bool ok = true;
    while (ok && n == BLOCK) {
        ok = source_fill(&from, block, BLOCK, &n, err);
        hash_add(h, block, n);
    }
    hash_end(h, out);
    free(block);
    source_close(&from);
    return ok;
}
