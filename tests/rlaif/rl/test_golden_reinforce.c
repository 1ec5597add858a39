/* REINFORCE against PyTorch in double precision: returns with the KL in them, values by a second network and by a head on
 * the policy's trunk, and every parameter's gradient. */
#include "golden.h"

#include "base/mem.h"
#include "rlaif/rl/reinforce.h"

static const double VALUES = 2e-4, GRADIENTS = 1e-4;

enum { MOST = 8 };

/* A step's rollouts, one to a prompt, and the models that they are about. */
typedef struct Step {
    const Golden *g;
    json_t *golden;
    Device *d;
    Model *policy, *value, *reference;
    Weights *dpolicy, *dvalue;
    Pass pass;
    Rollout r[MOST];
    Ids prompt[MOST];
    int n;
} Step;

/* The reference: another directory, or the policy with one matrix scaled. */
static Model *reference_of(const Golden *g, const json_t *numbers, Device *d)
{
    static const Golden shared = {"../shared/golden/tiny-llama-ref", false};
    const json_t *made = json_object_get(numbers, "reference");
    if (!made)
        return golden_model(&shared, 0, d);
    Model *m = golden_model(g, 0, d);
    ParamList list = params_list(&m->w, &m->config);
    float factor = (float)json_number_of(made, "factor", NAN);
    int found = 0;
    for (int i = 0; i < list.n; i++) {
        if (strcmp(list.param[i].name, json_text_of(made, "scaled")) != 0)
            continue;
        Matrix w = *list.param[i].matrix;
        for (size_t k = 0; k < matrix_floats(w.rows, w.cols); k++)
            w.at[k] *= factor;
        found++;
    }
    assert_int_equal(found, 1);
    params_free(&list);
    return m;
}

static Model *model_of(const Golden *g, int heads, Device *d)
{
    Model *m = golden_model(g, heads, d);
    if (heads & HEAD_VALUE) {
        golden_tensor(g, "value_head.safetensors", "value.weight", m->w.value);
        golden_tensor(g, "value_head.safetensors", "value.bias", m->w.value_bias);
    }
    return m;
}

static float *response_logps(Model *m, const Rollout *r)
{
    Ids whole = {0};
    ids_append(&whole, r->prompt->id, r->prompt->n);
    ids_append(&whole, r->y.ids.id, r->y.ids.n);
    float *all = logprobs_alone(m, whole.id, whole.n);
    float *logp = mem_copy(all + r->prompt->n - 1, (size_t)r->y.ids.n, sizeof *logp);
    ids_release(&whole);
    free(all);
    return logp;
}

static void add_ids(Ids *ids, const json_t *array)
{
    int n, *id = golden_ids(array, &n);
    ids_append(ids, id, n);
    free(id);
}

static const json_t *numbers_of(const Step *s)
{
    return json_object_get(s->golden, "reinforce");
}

static void step_begin(Step *s, const Golden *g, ValuePlace place)
{
    *s = (Step){.g = g, .golden = golden_read(g, "training.json"), .d = open_device(CPU_AUTO, 2)};
    const json_t *rollouts = json_object_get(json_object_get(s->golden, "inputs"), "rollouts");
    s->policy = model_of(g, place == VALUE_HEAD ? HEAD_LM | HEAD_VALUE : HEAD_LM, s->d);
    s->value = place == VALUE_OWN ? model_of(g, HEAD_VALUE, s->d) : NULL;
    s->reference = reference_of(g, numbers_of(s), s->d);
    s->dpolicy = grads_new(s->policy);
    s->dvalue = s->value ? grads_new(s->value) : NULL;
    pass_init(&s->pass);
    s->n = (int)json_array_size(rollouts);
    assert_true(s->n > 1 && s->n <= MOST);
    for (int i = 0; i < s->n; i++) {
        const json_t *rollout = json_array_get(rollouts, (size_t)i);
        Rollout *r = &s->r[i];
        *r = (Rollout){.row = i, .prompt = &s->prompt[i], .reward = json_number_of(rollout, "reward", NAN)};
        add_ids(&s->prompt[i], json_object_get(rollout, "prompt"));
        add_ids(&r->y.ids, json_object_get(rollout, "response"));
        r->y.logp = response_logps(s->policy, r);
        r->reference_logp = response_logps(s->reference, r);
    }
}

static void step_end(Step *s)
{
    for (int i = 0; i < s->n; i++) {
        rollout_release(&s->r[i]);
        ids_release(&s->prompt[i]);
    }
    pass_release(&s->pass);
    grads_free(s->dpolicy);
    if (s->dvalue)
        grads_free(s->dvalue);
    model_free(s->policy);
    model_free(s->value);
    model_free(s->reference);
    device_free(s->d);
    json_decref(s->golden);
}

static ReinforceStats gradients(Step *s, ValuePlace place, int pass_rows)
{
    Err err = {0};
    ReinforceStats stats;
    double beta = json_number_of(numbers_of(s), "beta", NAN);
    Reinforce how = {.policy = s->policy,
                     .value = s->value,
                     .dpolicy = s->dpolicy,
                     .dvalue = s->dvalue,
                     .pass = &s->pass,
                     .baseline = BASELINE_VALUE,
                     .place = place,
                     .kl = KL_REWARD,
                     .beta = beta,
                     .value_weight = 1,
                     .pass_rows = pass_rows};
    reinforce_returns(s->r, s->n, &(Objective){.beta = beta});
    need_ok(reinforce_gradients(&how, s->r, s->n, 1, &stats, &err), &err);
    return stats;
}

static void check_arrays(const Step *s)
{
    const json_t *arrays = json_object_get(numbers_of(s), "arrays");
    for (int i = 0; i < s->n; i++) {
        const json_t *wanted = json_array_get(arrays, (size_t)i);
        int n;
        double *returns = golden_numbers(json_object_get(wanted, "returns"), &n);
        assert_int_equal(n, s->r[i].y.ids.n);
        golden_all_close("ln pi", s->r[i].y.logp, json_object_get(wanted, "logprobs"), VALUES);
        golden_all_close("ln pi of the reference", s->r[i].reference_logp, json_object_get(wanted, "ref_logprobs"),
                         VALUES);
        for (int t = 0; t < n; t++)
            golden_close("return", s->r[i].returns[t], returns[t], VALUES);
        free(returns);
    }
}

/* The policy's gradient and the value network's are apart: its start is the same trunk with the same head. */
static void own_value(void **state)
{
    static const int pass_rows[] = {1, 1000};
    for (int i = 0; i < COUNT(pass_rows); i++) {
        Step s;
        step_begin(&s, *state, VALUE_OWN);
        const json_t *wanted = json_object_get(numbers_of(&s), "per_token");
        ReinforceStats stats = gradients(&s, VALUE_OWN, pass_rows[i]);
        check_arrays(&s);
        golden_close("value loss", stats.value_loss, json_number_of(json_object_get(wanted, "value_full"), "loss", NAN),
                     VALUES);
        golden_gradients(s.policy, s.dpolicy, json_object_get(json_object_get(wanted, "policy"), "grad"), GRADIENTS);
        golden_gradients(s.value, s.dvalue, json_object_get(json_object_get(wanted, "value_full"), "grad"), GRADIENTS);
        step_end(&s);
    }
}

/* With a head on the trunk it has the sum of both. */
static void value_head(void **state)
{
    Step apart, one;
    step_begin(&apart, *state, VALUE_OWN);
    step_begin(&one, *state, VALUE_HEAD);
    gradients(&apart, VALUE_OWN, 1000);
    ReinforceStats stats = gradients(&one, VALUE_HEAD, 1000);
    const json_t *wanted = json_object_get(numbers_of(&one), "per_token");
    golden_close("value loss", stats.value_loss, json_number_of(json_object_get(wanted, "value_full"), "loss", NAN),
                 VALUES);
    grads_join(one.policy, one.dpolicy);
    grads_join(apart.policy, apart.dpolicy);
    ParamList sum = params_list(one.dpolicy, &one.policy->config),
              p = params_list(apart.dpolicy, &apart.policy->config);
    ParamList v = params_list(apart.dvalue, &apart.value->config);
    int found = 0;
    for (int i = 0; i < sum.n; i++) {
        Matrix m = *sum.param[i].matrix;
        size_t n = matrix_floats(m.rows, m.cols);
        float *both = mem_zalloc(n, sizeof *both);
        const ParamList *part[] = {&p, &v};
        for (int k = 0; k < 2; k++)
            for (int j = 0; j < part[k]->n; j++)
                if (strcmp(part[k]->param[j].name, sum.param[i].name) == 0) {
                    for (size_t x = 0; x < n; x++)
                        both[x] += part[k]->param[j].matrix->at[x];
                    found++;
                }
        golden_close(sum.param[i].name, largest_difference(m.at, both, n), 0, GRADIENTS * largest(both, n));
        free(both);
    }
    assert_int_equal(found, p.n + v.n);
    params_free(&sum);
    params_free(&p);
    params_free(&v);
    step_end(&apart);
    step_end(&one);
}

int main(void)
{
    static const struct CMUnitTest kinds[] = {cmocka_unit_test(own_value), cmocka_unit_test(value_head)};
    return golden_run("golden reinforce", kinds, COUNT(kinds));
}
