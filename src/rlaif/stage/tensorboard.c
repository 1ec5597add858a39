/* TensorBoard's event files. */
#include "rlaif/stage/tensorboard.h"

#include <string.h>

/* --- the framing: length, its checksum, the bytes, their checksum; little-endian --- */

uint32_t crc32c(const void *bytes, size_t n)
{
    const unsigned char *b = bytes;
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        c ^= b[i];
        for (int k = 0; k < 8; k++) /* the polynomial 0x1edc6f41, bits reversed */
            c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
    }
    return ~c;
}

static void add_little_endian(Str *s, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        str_addc(s, (char)(value >> 8 * i & 0xff));
}

/* A checksum of data that holds checksums would be weak: the format turns it and adds a constant. */
static void add_masked_crc(Str *s, const char *bytes, size_t n)
{
    uint32_t c = crc32c(bytes, n);
    add_little_endian(s, (uint32_t)((c >> 15 | c << 17) + 0xa282ead8u), 4);
}

static void add_record(Str *s, const Str *bytes)
{
    size_t at = s->n;
    add_little_endian(s, bytes->n, 8);
    add_masked_crc(s, s->text + at, 8);
    str_addn(s, str_text(bytes), bytes->n);
    add_masked_crc(s, str_text(bytes), bytes->n);
}

/* --- the messages: Event {wall_time 1, step 2, file_version 3, summary 5}, Summary {value 1}, Value {tag 1,
 * simple_value 2} --- */

enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 }; /* how a field is laid out */

static void add_varint(Str *s, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        str_addc(s, (char)((v & 0x7f) | 0x80));
    str_addc(s, (char)v);
}

static void add_key(Str *s, int field, int layout)
{
    add_varint(s, (uint64_t)(field << 3 | layout));
}

static void add_bytes(Str *s, int field, const char *bytes, size_t n)
{
    add_key(s, field, LENGTH);
    add_varint(s, n);
    str_addn(s, bytes, n);
}

static void add_wall_time(Str *s, double seconds)
{
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    add_key(s, 1, EIGHT_BYTES);
    add_little_endian(s, bits, 8);
}

void tensorboard_begin(Str *out, double wall_time)
{
    static const char version[] = "brain.Event:2";
    Str event = {0};
    add_wall_time(&event, wall_time);
    add_bytes(&event, 3, version, strlen(version));
    add_record(out, &event);
    str_release(&event);
}

static void add_value(Str *summary, const TensorboardScalar *scalar)
{
    Str value = {0};
    float x = (float)scalar->value;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    add_bytes(&value, 1, scalar->tag, strlen(scalar->tag));
    add_key(&value, 2, FOUR_BYTES);
    add_little_endian(&value, bits, 4);
    add_bytes(summary, 1, str_text(&value), value.n);
    str_release(&value);
}

void tensorboard_step(Str *out, int step, double wall_time, const TensorboardScalar *scalar, int n)
{
    Str event = {0}, summary = {0};
    for (int i = 0; i < n; i++)
        add_value(&summary, &scalar[i]);
    add_wall_time(&event, wall_time);
    add_key(&event, 2, VARINT);
    add_varint(&event, (uint64_t)step);
    add_bytes(&event, 5, str_text(&summary), summary.n);
    add_record(out, &event);
    str_release(&summary);
    str_release(&event);
}
