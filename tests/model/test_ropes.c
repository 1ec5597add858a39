/* Rotary tables of every kind of scaling against those of transformers (tools/make_rope_fixtures.py). */
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "golden.h"

/* transformers has its frequencies in f32: an angle is off by some of their bits, times the position. */
static double tolerance(int position)
{
    return 4e-7 * (1 + position);
}

static void check_case(const json_t *expected, Device *d)
{
    const char *name = json_text_of(expected, "name");
    Err err = {0};
    char path[60];
    snprintf(path, sizeof path, "%s", name);
    Model m = {.device = d, .path = path};
    need_ok(config_from_json(&m.config, json_object_get(expected, "config"), name, &err), &err);
    int n;
    int *position = golden_ids(json_object_get(expected, "positions"), &n);
    need_ok(model_reserve_positions(&m, position[n - 1] + 1, &err), &err);
    RopeTable table = model_rope(&m, false);
    for (int i = 0; i < n; i++) {
        const float *row[2] = {table.cos + (size_t)position[i] * (size_t)table.half,
                               table.sin + (size_t)position[i] * (size_t)table.half};
        for (int k = 0; k < 2; k++) {
            const json_t *wanted = json_array_get(json_object_get(expected, k ? "sin" : "cos"), (size_t)i);
            assert_int_equal(json_array_size(wanted), table.half);
            golden_all_close(name, row[k], wanted, tolerance(position[i]));
        }
    }
    if (m.config.rope.scaling == ROPE_LONG) /* the factors of longer texts would change what came before */
        assert_false(model_reserve_positions(&m, m.config.context + 1, &err));
    mem_big_free(m.rope_global, (size_t)m.rope_positions * (size_t)m.config.rotary_dim, sizeof(float));
    free(position);
}

static void as_transformers(void **state)
{
    (void)state;
    Err err = {0};
    json_t *cases;
    size_t i;
    const json_t *expected;
    need_ok(json_read_file("tests/fixtures/ropes.json", &cases, &err), &err);
    Device *d = open_device(CPU_AUTO, 2);
    json_array_foreach(cases, i, expected) check_case(expected, d);
    assert_true(i >= 9);
    device_free(d);
    json_decref(cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_transformers)};
    return cmocka_run_group_tests_name("ropes", tests, NULL, NULL);
}
