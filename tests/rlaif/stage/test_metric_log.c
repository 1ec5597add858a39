/* Metrics in files: what stands in them, that they end in the same bytes however they came about, TensorBoard's framing. */
#include "support.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "rlaif/stage/metric_log.h"
#include "rlaif/stage/tensorboard.h"

static void checksum(void **state)
{
    (void)state;
    assert_int_equal(crc32c("123456789", 9), 0xe3069283); /* the check value of the catalogue of CRCs */
    assert_int_equal(crc32c("", 0), 0);
    char zeros[32] = {0}; /* RFC 3720, B.4 */
    assert_int_equal(crc32c(zeros, sizeof zeros), 0x8a9136aa);
}

/* The record of {wall_time: 300, step: 300, summary: {value {tag: "kl", simple_value: 0.5}}}. */
static void record(void **state)
{
    (void)state;
    static const unsigned char event[] = {0x09, 0,    0,    0, 0,    0, 0xc0, 0x72, 0x40, /* 1: 300.0 */
                                          0x10, 0xac, 0x02,                               /* 2: 300 */
                                          0x2a, 11,   0x0a, 9, 0x0a, 2, 'k',  'l',        /* 5: {1: {1: "kl" */
                                          0x15, 0,    0,    0, 0x3f};                     /* 2: 0.5f}} */
    Str s = {0};
    tensorboard_step(&s, 300, 300, &(TensorboardScalar){"kl", 0.5}, 1);
    assert_int_equal(s.n, 8 + 4 + sizeof event + 4);
    assert_int_equal(s.text[0], sizeof event);
    for (int i = 1; i < 8; i++)
        assert_int_equal(s.text[i], 0);
    assert_memory_equal(s.text + 12, event, sizeof event);
    uint32_t c = crc32c(event, sizeof event), masked;
    memcpy(&masked, s.text + 12 + sizeof event, 4);
    assert_int_equal(masked, (uint32_t)((c >> 15 | c << 17) + 0xa282ead8u));
    c = crc32c(s.text, 8);
    memcpy(&masked, s.text + 8, 4);
    assert_int_equal(masked, (uint32_t)((c >> 15 | c << 17) + 0xa282ead8u));
    str_release(&s);
}

/* --- files ------------------------------------------------------------------------------------------------------- */

typedef struct Place {
    char *folder;
    Store *store;
    int64_t stage;
} Place;

static void place_begin(Place *p)
{
    Err err = {0};
    *p = (Place){.folder = make_folder()};
    p->store = open_run(":memory:", &p->stage);
    for (int step = 0; step < 7; step++) {
        need_ok(store_metric(p->store, p->stage, step, "reward", 0.1 * step - 0.25, &err) &&
                    store_metric(p->store, p->stage, step, "kl", step * step / 3.0, &err) &&
                    store_metric(p->store, p->stage, step, METRIC_CLOCK "sample", 3.5, &err) &&
                    store_metric(p->store, p->stage, step, METRIC_DATE, 1700000000.25 + step, &err) &&
                    store_metric(p->store, p->stage, step, METRIC_CLOCK "update", 0.5 * step, &err) &&
                    (step % 2 || store_metric(p->store, p->stage, step, "eval_reward", 1e-20, &err)),
                &err);
    }
    need_ok(store_metric(p->store, p->stage, 2, "value_loss", NAN, &err), &err);
}

static void place_end(Place *p)
{
    store_close(p->store);
    remove_folder(p->folder);
}

static char *read(const Place *p, const char *name, size_t *n)
{
    Err err = {0};
    char *path = path_join(p->folder, name), *text;
    need_ok(file_read(path, 1 << 20, &text, n, &err), &err);
    free(path);
    return text;
}

#define TIMING_EVENTS TIMING_DIRECTORY "/" TENSORBOARD_FILE

/* Bytes of the record that a file of events begins with, which is dated by the clock in the one of times. */
static size_t first_record(const char *events)
{
    uint64_t n;
    memcpy(&n, events, sizeof n);
    return (size_t)n + 16;
}

static void lines(void **state)
{
    (void)state;
    Place p;
    Err err = {0};
    size_t n;
    place_begin(&p);
    MetricLog log = {p.store, p.stage, p.folder, -1};
    need_ok(metric_log_write(&log, 3, &err), &err);
    char *text = read(&p, METRIC_LOG_FILE, &n);
    assert_string_equal(text, "{\"step\": 0, \"eval_reward\": 1e-20, \"kl\": 0.0, \"reward\": -0.25}\n"
                              "{\"step\": 1, \"kl\": 0.3333333333333333, \"reward\": -0.15}\n"
                              "{\"step\": 2, \"eval_reward\": 1e-20, \"kl\": 1.3333333333333333, \"reward\": "
                              "-0.04999999999999999}\n");
    free(text);
    text = read(&p, TIMING_FILE, &n);
    assert_string_equal(
        text,
        "{\"step\": 0, \"seconds_sample\": 3.5, \"seconds_update\": 0.0, \"seconds_since_1970\": 1700000000.25}\n"
        "{\"step\": 1, \"seconds_sample\": 3.5, \"seconds_update\": 0.5, \"seconds_since_1970\": 1700000001.25}\n"
        "{\"step\": 2, \"seconds_sample\": 3.5, \"seconds_update\": 1.0, \"seconds_since_1970\": 1700000002.25}\n");
    free(text);
    /* its events: when they were, and all that took time */
    Str wanted = {0};
    for (int step = 0; step < 3; step++)
        tensorboard_step(&wanted, step, 1700000000.25 + step,
                         (TensorboardScalar[]){{"seconds_sample", 3.5}, {"seconds_update", 0.5 * step}}, 2);
    text = read(&p, TIMING_EVENTS, &n);
    size_t first = first_record(text);
    assert_int_equal(n, first + wanted.n);
    assert_memory_equal(text + first, wanted.text, wanted.n);
    str_release(&wanted);
    free(text);
    place_end(&p);
}

/* What is put down of a step is the date that it was over, in the store's words. */
static void dated(void **state)
{
    (void)state;
    static const char *const phase[] = {METRIC_CLOCK "sample", METRIC_CLOCK "update"};
    Place p;
    Err err = {0};
    double before = clock_date(), date, took;
    place_begin(&p);
    need_ok(metric_clock(p.store, p.stage, 9, phase, (double[]){0.25, 0.75}, 2, &err) &&
                store_metric_find(p.store, p.stage, 9, METRIC_CLOCK "update", &took, &err) &&
                store_metric_find(p.store, p.stage, 9, METRIC_DATE, &date, &err),
            &err);
    assert_true(before > 1.7e9 && date >= before && date <= clock_date());
    assert_true(took == 0.75);
    place_end(&p);
}

/* Step by step, in leaps, or again from the beginning over more than is known now: the same files. */
static void same_bytes(void **state)
{
    (void)state;
    static const int ways[][4] = {{7}, {1, 2, 4, 7}, {6, 6, 7}, {0, 7}};
    static const char *const file[] = {METRIC_LOG_FILE, TENSORBOARD_FILE, TIMING_FILE, TIMING_EVENTS};
    size_t n[COUNT(file)], wanted[COUNT(file)];
    char *first[COUNT(file)] = {NULL};
    for (int w = 0; w < COUNT(ways); w++) {
        Place p;
        Err err = {0};
        place_begin(&p);
        MetricLog log = {p.store, p.stage, p.folder, -1};
        for (int i = 0; i < 4 && (i == 0 || ways[w][i]); i++)
            need_ok(metric_log_write(&log, ways[w][i], &err), &err);
        if (w == 2) { /* killed, and on from a checkpoint of four steps */
            log.written = -1;
            need_ok(metric_log_write(&log, 4, &err) && metric_log_write(&log, 7, &err), &err);
        }
        for (int i = 0; i < COUNT(file); i++) {
            char *text = read(&p, file[i], &n[i]);
            if (strcmp(file[i], TIMING_EVENTS) == 0)
                memset(text, 0, first_record(text));
            if (w == 0) {
                first[i] = text;
                wanted[i] = n[i];
                continue;
            }
            assert_int_equal(n[i], wanted[i]);
            assert_memory_equal(text, first[i], n[i]);
            free(text);
        }
        place_end(&p);
    }
    for (int i = 0; i < COUNT(file); i++)
        free(first[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum), cmocka_unit_test(record),     cmocka_unit_test(lines),
        cmocka_unit_test(dated),    cmocka_unit_test(same_bytes),
    };
    return cmocka_run_group_tests_name("metric log", tests, NULL, NULL);
}
