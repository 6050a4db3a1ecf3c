/* The interface: one row, many rows, XGBoost's transformations, and the choice of the instruction set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"
#include "model.h"  /* generated: counts, BASE_MARGINS, derive_features(), TRANSFORM, LABEL_FROM */
#include "tuning.h" /* generated: ONE_ROW, BLOCK_FROM */
#include "reference.h"
#include "rows.h"
#include "walk.h"

#define TL2CGEN 0
#define WALK 1
#if ONE_ROW == TL2CGEN
#include "header.h" /* tl2cgen: union Entry, predict() */
#endif

#define BOUNDARY 64 /* bytes: the alignment of the widest vector */

#define SOFTMAX 0
#define SIGMOID 1
#define IDENTITY 2

void library_shape(int32_t out[5]) {
    out[0] = LIBRARY_ABI;
    out[1] = MEASUREMENT_COUNT;
    out[2] = FEATURE_COUNT;
    out[3] = OUTPUT_COUNT;
    out[4] = REFERENCE;
}

#if TRANSFORM == SOFTMAX
/* As Softmax in XGBoost's src/common/math.h: float32 exponentials, a float64 sum, one float32 division each. */
static int32_t transform(const float *margin, float *probability) {
    float largest = margin[0];
    for (int i = 1; i < OUTPUT_COUNT; i++) largest = margin[i] > largest ? margin[i] : largest;
    double sum = 0.0;
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        probability[i] = expf(margin[i] - largest);
        sum += probability[i];
    }
    for (int i = 0; i < OUTPUT_COUNT; i++) probability[i] /= (float)sum;
    int32_t label = 0;
    float most = LABEL_FROM[0];
    for (int i = 1; i < OUTPUT_COUNT; i++) { /* the first of equal values, as in numpy and XGBoost; without a branch */
        const int32_t more = -(LABEL_FROM[i] > most);
        label = (i & more) | (label & ~more);
        most = LABEL_FROM[i] > most ? LABEL_FROM[i] : most;
    }
    return label;
}
#elif TRANSFORM == SIGMOID
/* As Sigmoid in XGBoost's src/common/math.h: the exponent is bounded, so that expf cannot overflow. */
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

static int32_t predict_row(const float *feature, float *margin, float *probability) {
#if ONE_ROW == TL2CGEN
    union Entry row[FEATURE_COUNT];
    for (int i = 0; i < FEATURE_COUNT; i++) {
        if (isnan(feature[i])) row[i].missing = -1;
        else row[i].fvalue = feature[i];
    }
    /* predict() adds each leaf to margin. Like XGBoost, start from the base and add the trees in order. */
    memcpy(margin, BASE_MARGINS, sizeof BASE_MARGINS);
    predict(row, 1, margin);
#else
    walk_row(feature, margin);
#endif
    return transform(margin, probability);
}

int32_t predict_features(const float *feature, float *margin, float *probability) {
    return predict_row(feature, margin, probability);
}

int32_t predict_one(const float *measurement, float *margin, float *probability) {
    float feature[FEATURE_COUNT];
    derive_features(measurement, feature);
    return predict_row(feature, margin, probability);
}

typedef void predict_block(const float *row, int64_t rows, int derived, struct block_memory *memory, float *margin);

static const struct {
    predict_block *predict;
    int64_t rows;
} BLOCKS[] = {
    {predict_block_0, 128},
#if defined(__x86_64__)
    {predict_block_1, 256},
    {predict_block_2, 512},
#endif
};

int32_t library_instruction_sets(void) {
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2")) return 1;
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
               ? 3
               : 2;
#else
    return 1;
#endif
}

/* Evaluate blocks while at least BLOCK_FROM rows remain, then single rows. Return 0, or -1 without memory. */
static int32_t predict_all(int32_t instruction_set, int derived, const float *row, int64_t rows, float *margin,
                           float *probability, int32_t *label) {
    const int width = derived ? FEATURE_COUNT : MEASUREMENT_COUNT;
    const int64_t most = BLOCKS[instruction_set].rows;
    void *allocated = rows >= BLOCK_FROM ? malloc(sizeof(struct block_memory) + BOUNDARY) : NULL;
    if (rows >= BLOCK_FROM && !allocated) return -1;
    struct block_memory *memory = (void *)(((uintptr_t)allocated + BOUNDARY - 1) / BOUNDARY * BOUNDARY);
    int64_t done = 0;
    while (rows - done >= BLOCK_FROM) {
        const int64_t block = rows - done < most ? rows - done : most;
        BLOCKS[instruction_set].predict(row + done * width, block, derived, memory, margin + done * OUTPUT_COUNT);
        for (const int64_t end = done + block; done < end; done++)
            label[done] = transform(margin + done * OUTPUT_COUNT, probability + done * OUTPUT_COUNT);
    }
    free(allocated);
    for (; done < rows; done++) {
        float *to = margin + done * OUTPUT_COUNT, *share = probability + done * OUTPUT_COUNT;
        float copy[FEATURE_COUNT > MEASUREMENT_COUNT ? FEATURE_COUNT : MEASUREMENT_COUNT];
        memcpy(copy, row + done * width, width * sizeof *copy); /* the caller's rows need not be aligned */
        label[done] = derived ? predict_features(copy, to, share) : predict_one(copy, to, share);
    }
    return 0;
}

int32_t predict_rows(int32_t instruction_set, const float *measurement, int64_t rows, float *margin,
                     float *probability, int32_t *label) {
    return predict_all(instruction_set, 0, measurement, rows, margin, probability, label);
}

int32_t predict_feature_rows(int32_t instruction_set, const float *feature, int64_t rows, float *margin,
                             float *probability, int32_t *label) {
    return predict_all(instruction_set, 1, feature, rows, margin, probability, label);
}

void judge_rows(const float *measurement, const float *probability, int64_t rows, float *distance, int32_t *inside,
                int32_t *set) {
    for (int64_t i = 0; i < rows; i++) {
        float copy[MEASUREMENT_COUNT], share[OUTPUT_COUNT];
        memcpy(copy, measurement + i * MEASUREMENT_COUNT, sizeof copy);
        memcpy(share, probability + i * OUTPUT_COUNT, sizeof share);
        distance[i] = reference_distance(copy);
        inside[i] = in_distribution(distance[i]);
        set[i] = prediction_set(share);
    }
}
