/* One row through the trees that tl2cgen wrote, with XGBoost's order of summation and its transformations. */
#include <math.h>
#include <string.h>

#include "header.h" /* tl2cgen: union Entry, predict() */
#include "library.h"
#include "model.h" /* generated: counts, BASE_MARGINS, derive_features(), TRANSFORM, LABEL_FROM */

#define SOFTMAX 0
#define SIGMOID 1
#define IDENTITY 2

void library_shape(int32_t out[4]) {
    out[0] = LIBRARY_ABI;
    out[1] = MEASUREMENT_COUNT;
    out[2] = FEATURE_COUNT;
    out[3] = OUTPUT_COUNT;
}

#if TRANSFORM == SOFTMAX
/* XGBoost, src/common/math.h, Softmax: float32 exponentials, their sum in float64, one float32 division each. */
static int32_t transform(const float *margin, float *probability) {
    float largest = margin[0];
    for (int i = 1; i < OUTPUT_COUNT; i++) largest = fmaxf(margin[i], largest);
    double sum = 0.0;
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        probability[i] = expf(margin[i] - largest);
        sum += probability[i];
    }
    for (int i = 0; i < OUTPUT_COUNT; i++) probability[i] /= (float)sum;
    int32_t label = 0;
    for (int i = 1; i < OUTPUT_COUNT; i++) {
        if (LABEL_FROM[i] > LABEL_FROM[label]) label = i; /* the first of equals, as in numpy and XGBoost */
    }
    return label;
}
#elif TRANSFORM == SIGMOID
/* XGBoost, src/common/math.h, Sigmoid: the exponent is bounded so that expf cannot overflow. */
static int32_t transform(const float *margin, float *probability) {
    probability[0] = 1.0f / (expf(fminf(-margin[0], 88.7f)) + 1.0f);
    return probability[0] > 0.5f;
}
#else
static int32_t transform(const float *margin, float *probability) {
    memcpy(probability, margin, OUTPUT_COUNT * sizeof *margin);
    return 0;
}
#endif

int32_t predict_features(const float *feature, float *margin, float *probability) {
    union Entry row[FEATURE_COUNT];
    for (int i = 0; i < FEATURE_COUNT; i++) {
        if (isnan(feature[i])) row[i].missing = -1;
        else row[i].fvalue = feature[i];
    }
    /* predict() adds each leaf to what it finds: XGBoost too starts from the base, then adds the trees in order. */
    memcpy(margin, BASE_MARGINS, sizeof BASE_MARGINS);
    predict(row, 1, margin);
    return transform(margin, probability);
}

int32_t predict_one(const float *measurement, float *margin, float *probability) {
    float feature[FEATURE_COUNT];
    derive_features(measurement, feature);
    return predict_features(feature, margin, probability);
}

int32_t library_instruction_sets(void) {
    return 1;
}

void predict_rows(int32_t instruction_set, const float *measurement, int64_t rows, float *margin, float *probability,
                  int32_t *label) {
    (void)instruction_set;
    for (int64_t i = 0; i < rows; i++)
        label[i] = predict_one(measurement + i * MEASUREMENT_COUNT, margin + i * OUTPUT_COUNT,
                               probability + i * OUTPUT_COUNT);
}

void predict_feature_rows(int32_t instruction_set, const float *feature, int64_t rows, float *margin,
                          float *probability, int32_t *label) {
    (void)instruction_set;
    for (int64_t i = 0; i < rows; i++)
        label[i] = predict_features(feature + i * FEATURE_COUNT, margin + i * OUTPUT_COUNT,
                                    probability + i * OUTPUT_COUNT);
}
