/* A library of ABI 5, as bundles of format 2 hold them: 4 measurements, 10 features, 3 outputs, and a model of 2 trees.
 * It follows compile/native of that time, written by hand and short: batches are rows, one after the other. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define MEASUREMENTS 4
#define FEATURES 10
#define OUTPUTS 3

EXPORT void library_shape(int32_t out[5]) {
    const int32_t shape[5] = {5, MEASUREMENTS, FEATURES, OUTPUTS, 1};
    memcpy(out, shape, sizeof shape);
}

EXPORT int32_t library_instruction_sets(void) { return 1; }

EXPORT int32_t predict_features(const float *feature, float *margin, float *probability) {
    const float base[OUTPUTS] = {0.25f, -0.5f, 0.125f};
    memcpy(margin, base, sizeof base);
    margin[0] += feature[2] < 206.5f ? -1.5f : 2.0f; /* a long flipper: Gentoo */
    margin[2] += feature[4] < 2.25f ? 1.75f : -1.0f; /* a short bill: Adelie */
    const float largest = fmaxf(fmaxf(margin[0], margin[1]), margin[2]);
    double sum = 0.0;
    int32_t label = 0;
    for (int i = 0; i < OUTPUTS; i++) sum += probability[i] = expf(margin[i] - largest);
    for (int i = 0; i < OUTPUTS; i++) probability[i] /= (float)sum;
    for (int i = 1; i < OUTPUTS; i++) label = probability[i] > probability[label] ? i : label;
    return label;
}

EXPORT int32_t predict_one(const float *m, float *margin, float *probability) {
    const float feature[FEATURES] = {m[0],        m[1],        m[2],        m[3],        m[0] / m[1],
                                     m[0] / m[2], m[0] / m[3], m[1] / m[2], m[1] / m[3], m[2] / m[3]};
    return predict_features(feature, margin, probability);
}

EXPORT int32_t predict_rows(int32_t set, const float *row, int64_t rows, float *margin, float *probability,
                            int32_t *label) {
    (void)set;
    for (int64_t i = 0; i < rows; i++)
        label[i] = predict_one(row + i * MEASUREMENTS, margin + i * OUTPUTS, probability + i * OUTPUTS);
    return 0;
}

EXPORT int32_t predict_feature_rows(int32_t set, const float *row, int64_t rows, float *margin, float *probability,
                                    int32_t *label) {
    (void)set;
    for (int64_t i = 0; i < rows; i++)
        label[i] = predict_features(row + i * FEATURES, margin + i * OUTPUTS, probability + i * OUTPUTS);
    return 0;
}

static float distance_of(const float *m) { return fabsf(m[3] - 4000.0f) * 0.002f; }

static int32_t set_of(const float *probability) {
    int32_t bits = 0;
    for (int i = 0; i < OUTPUTS; i++) bits |= (int32_t)(probability[i] >= 0.25f) << i;
    return bits;
}

EXPORT void judge_rows(const float *measurement, const float *probability, int64_t rows, float *distance,
                       int32_t *inside, int32_t *set) {
    for (int64_t i = 0; i < rows; i++) {
        distance[i] = distance_of(measurement + i * MEASUREMENTS);
        inside[i] = distance[i] <= 4.0f;
        set[i] = set_of(probability + i * OUTPUTS);
    }
}

typedef void object;
static struct { /* the 13 functions of ABI 5; the table of a later ABI begins with them */
    double (*AsDouble)(object *);
    object *(*Occurred)(void);
    object *(*GetItem)(object *, ptrdiff_t);
    ptrdiff_t (*Size)(object *);
    object *(*NewTuple)(ptrdiff_t);
    int (*SetItem)(object *, ptrdiff_t, object *);
    object *(*NewDict)(void);
    int (*SetKey)(object *, object *, object *);
    object *(*Float)(double);
    object *(*Long)(long);
    object *(*Bool)(long);
    void (*DecRef)(object *);
    object *(*NewFunction)(void *, object *, object *);
} python;
static float *margins;
static object *names;

static object *predict(object *self, object *row) {
    (void)self;
    float measurement[MEASUREMENTS], probability[OUTPUTS];
    for (int i = 0; i < MEASUREMENTS; i++) {
        object *item = python.GetItem(row, i);
        if (!item) return NULL;
        measurement[i] = (float)python.AsDouble(item);
        if (python.Occurred()) return NULL;
    }
    const int32_t label = predict_one(measurement, margins, probability);
    object *answer = python.NewTuple(5), *shares = python.NewDict();
    for (int i = 0; i < OUTPUTS; i++) {
        object *share = python.Float(probability[i]);
        python.SetKey(shares, python.GetItem(names, i), share);
        python.DecRef(share);
    }
    const float distance = distance_of(measurement);
    object *items[] = {python.Long(label), shares, python.Long(set_of(probability)), python.Bool(distance <= 4.0f),
                       python.Float(distance)};
    for (int i = 0; i < 5; i++) python.SetItem(answer, i, items[i]);
    return answer;
}

struct definition {
    const char *name;
    object *(*function)(object *, object *);
    int flags;
    const char *doc;
};

EXPORT void *python_predict(void *const functions[], float *margin, void *output_names, void *owner) {
    memcpy(&python, functions, sizeof python);
    margins = margin;
    names = output_names;
    struct definition *definition = malloc(sizeof *definition); /* the function outlives the library */
    if (!definition) return NULL;
    *definition = (struct definition){"predict", predict, 8, "One row."};
    return python.NewFunction(definition, owner, NULL);
}
