/* Inputs: plain, gzip or zstd. */
#include "base/input.h"

#include "base/mem.h"
#include "base/source.h"

#include <string.h>
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 1 << 16, GZIP_ALONE = 15 + 16 /* window bits: of 32 KB, with gzip's header */ };

struct Input {
    Source source;
    unsigned char raw[BLOCK]; /* as they came: raw[at, n) are not decoded yet */
    size_t at, n;
    bool begun, ended;
    z_stream *gzip;
    ZSTD_DStream *zstd;
    bool piece_open; /* inside a member of gzip or a frame of zstd: the end may not come here */
};

bool input_open(Input **out, const char *path, Err *err)
{
    Source source;
    *out = NULL;
    if (!source_open(&source, path, err))
        return false;
    *out = mem_zalloc(1, sizeof **out);
    (*out)->source = source;
    return true;
}

const char *input_name(const Input *in)
{
    return in->source.name;
}

void input_close(Input *in)
{
    if (!in)
        return;
    if (in->gzip)
        inflateEnd(in->gzip);
    ZSTD_freeDStream(in->zstd);
    source_close(&in->source);
    free(in->gzip);
    free(in);
}

/* The next block as it came, once the one before is used up. */
static bool next_block(Input *in, Err *err)
{
    in->at = 0;
    bool ok = source_fill(&in->source, in->raw, BLOCK, &in->n, err);
    in->ended = ok && in->n < BLOCK;
    return ok;
}

/* The first block tells how the input is compressed. zstd's skippable frames may stand before the others. */
static bool begin(Input *in, Err *err)
{
    in->begun = true;
    if (!next_block(in, err))
        return false;
    const unsigned char *raw = in->raw;
    bool frame = in->n >= 4 && (memcmp(raw, "\x28\xb5\x2f\xfd", 4) == 0 ||
                                ((raw[0] & 0xf0) == 0x50 && memcmp(raw + 1, "\x2a\x4d\x18", 3) == 0));
    bool member = in->n >= 2 && memcmp(raw, "\x1f\x8b", 2) == 0;
    if (frame) {
        in->zstd = ZSTD_createDStream();
        ZSTD_initDStream(in->zstd);
    } else if (member) {
        in->gzip = mem_zalloc(1, sizeof *in->gzip);
        if (inflateInit2(in->gzip, GZIP_ALONE) != Z_OK)
            return err_set(err, ERR_MEMORY, "no memory to read gzip");
    }
    return true;
}

/* Both decode some of the block and return how many bytes they gave out; *fine is false where the data is damaged. */
static size_t decode_gzip(Input *in, char *to, size_t room, bool *fine)
{
    z_stream *z = in->gzip;
    if (!in->piece_open) {
        while (in->at < in->n && in->raw[in->at] == 0) /* padding behind a member */
            in->at++;
        if (in->at == in->n)
            return 0;
        inflateReset(z);
    }
    z->next_in = in->raw + in->at;
    z->avail_in = (unsigned int)(in->n - in->at);
    z->next_out = (unsigned char *)to;
    z->avail_out = (unsigned int)room;
    int code = inflate(z, Z_NO_FLUSH);
    in->at = in->n - z->avail_in;
    in->piece_open = code != Z_STREAM_END;
    *fine = code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR;
    return room - z->avail_out;
}

static size_t decode_zstd(Input *in, char *to, size_t room, bool *fine)
{
    ZSTD_inBuffer from = {in->raw, in->n, in->at};
    ZSTD_outBuffer out = {to, room, 0};
    size_t left = ZSTD_decompressStream(in->zstd, &out, &from);
    in->at = from.pos;
    in->piece_open = left != 0;
    *fine = !ZSTD_isError(left);
    return out.pos;
}

static size_t decode(Input *in, char *to, size_t room, bool *fine)
{
    if (in->gzip)
        return decode_gzip(in, to, room, fine);
    if (in->zstd)
        return decode_zstd(in, to, room, fine);
    size_t n = in->n - in->at < room ? in->n - in->at : room;
    memcpy(to, in->raw + in->at, n);
    in->at += n;
    return n;
}

bool input_read(Input *in, char *to, size_t room, size_t *got, Err *err)
{
    *got = 0;
    if (!in->begun && !begin(in, err))
        return false;
    for (bool fine = true; *got == 0;) {
        size_t before = in->at;
        if (in->at < in->n || in->piece_open) /* an open piece may have more to give than it was fed */
            *got = decode(in, to, room > BLOCK ? BLOCK : room, &fine);
        if (!fine || (*got == 0 && in->at == before && in->at < in->n))
            return err_set(err, ERR_INPUT, "its compressed data is damaged, or something else follows it");
        if (*got > 0 || in->at < in->n)
            continue;
        if (in->ended)
            return !in->piece_open || err_set(err, ERR_INPUT, "it ends in the middle of its compressed data");
        if (!next_block(in, err))
            return false;
    }
    return true;
}
