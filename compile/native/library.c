/* The interface: one row, many rows, XGBoost's transformations, and the choice of the instruction set. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"
#include "model.h"  /* generated: counts, BASE_MARGINS, derive_features(), TRANSFORM */
#include "tuning.h" /* generated: ONE_ROW, BLOCK_FROM */
#include "reference.h"
#include "ranks.h"
#include "rows.h"
#include "walk.h"

#define TL2CGEN 0
#define WALK 1
#define RANKS 2
#if ONE_ROW == TL2CGEN
#include "header.h" /* tl2cgen: union Entry, predict() */
#endif

#define BOUNDARY 64 /* bytes: the alignment of the widest vector */

/* How margins become values. */
#define SOFTMAX 0  /* a probability for each class */
#define BINARY 1   /* one margin: the probabilities of class 0 and class 1 */
#define HINGE 2    /* 0 or 1 */
#define SIGMOID 3  /* a number from 0 to 1 */
#define EXP 4      /* a number above 0 */
#define IDENTITY 5 /* the margin itself */
#define SORTED 6     /* the margins in ascending order, as quantiles are since XGBoost 3.4 */
#define EXPECTILES 7 /* the first margin itself; each further one is how far its number is above the one before */

void library_shape(int32_t out[6]) {
    out[0] = LIBRARY_ABI;
    out[1] = MEASUREMENT_COUNT;
    out[2] = FEATURE_COUNT;
    out[3] = OUTPUT_COUNT;
    out[4] = VALUE_COUNT;
    out[5] = REFERENCE;
}

/* As Sigmoid in XGBoost's src/common/math.h: the exponent is bounded, so that expf cannot overflow. */
static inline float sigmoid(float margin) { return 1.0f / (expf(fminf(-margin, 88.7f)) + 1.0f); }

#if TRANSFORM == SOFTMAX
/* As Softmax in XGBoost's src/common/math.h: float32 exponentials, a float64 sum, one float32 division each. */
static int32_t transform(const float *margin, float *value) {
    float largest = margin[0];
    for (int i = 1; i < OUTPUT_COUNT; i++) largest = margin[i] > largest ? margin[i] : largest;
    double sum = 0.0;
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        value[i] = expf(margin[i] - largest);
        sum += value[i];
    }
    for (int i = 0; i < OUTPUT_COUNT; i++) value[i] /= (float)sum;
    const float *from = LABEL_FROM_MARGIN ? margin : value;
    int32_t label = 0;
    float most = from[0];
    for (int i = 1; i < OUTPUT_COUNT; i++) { /* the first of equal values, as in numpy and XGBoost; without a branch */
        const int32_t more = -(from[i] > most);
        label = (i & more) | (label & ~more);
        most = from[i] > most ? from[i] : most;
    }
    return label;
}
#elif TRANSFORM == BINARY
/* The second value is XGBoost's. The first is 1 less it in float32, as XGBClassifier.predict_proba computes it. */
static int32_t transform(const float *margin, float *value) {
    value[1] = sigmoid(margin[0]);
    value[0] = 1.0f - value[1];
    return value[1] > 0.5f;
}
#elif TRANSFORM == HINGE
static int32_t transform(const float *margin, float *value) {
    for (int i = 0; i < OUTPUT_COUNT; i++) value[i] = margin[i] > 0.0f ? 1.0f : 0.0f;
    return OUTPUT_COUNT == 1 && margin[0] > 0.0f;
}
#elif TRANSFORM == SORTED
static int32_t transform(const float *margin, float *value) {
    for (int i = 0; i < OUTPUT_COUNT; i++) {
        int j = i;
        for (; j > 0 && value[j - 1] > margin[i]; j--) value[j] = value[j - 1];
        value[j] = margin[i];
    }
    return 0;
}
#elif TRANSFORM == EXPECTILES
/* As reg:expectileerror of XGBoost 3.4: the steps are above 0, so that expectiles never cross. */
static int32_t transform(const float *margin, float *value) {
    value[0] = margin[0];
    for (int i = 1; i < OUTPUT_COUNT; i++)
        value[i] = value[i - 1] + (fmaxf(margin[i], 0.0f) + log1pf(expf(-fabsf(margin[i]))) + 1e-6f);
    return 0;
}
#else
static int32_t transform(const float *margin, float *value) {
    for (int i = 0; i < OUTPUT_COUNT; i++)
        value[i] = TRANSFORM == SIGMOID ? sigmoid(margin[i]) : TRANSFORM == EXP ? expf(margin[i]) : margin[i];
    return 0;
}
#endif

typedef void predict_block(const float *row, int64_t rows, int derived, struct block_memory *memory, float *margin);
typedef void predict_few(const float *feature, int64_t rows, float *margin);

static const struct {
    predict_block *predict;
    int64_t rows;
#if ONE_ROW == RANKS
    predict_few *few;
#define FEW(FORM) , rank_rows_##FORM
#else
#define FEW(FORM)
#endif
} SETS[] = {
    {predict_block_0, 128 FEW(0)},
#if defined(__x86_64__)
    {predict_block_1, 256 FEW(1)},
    {predict_block_2, 512 FEW(1)},
    {predict_block_2, 512 FEW(2)},
#endif
};

static int32_t of_one_row; /* the instruction set of calls for one row */

void library_use(int32_t instruction_set) { of_one_row = instruction_set; }

static int32_t predict_row(const float *feature, float *margin, float *value) {
#if ONE_ROW == RANKS
    SETS[of_one_row].few(feature, 1, margin);
#elif ONE_ROW == TL2CGEN
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
    return transform(margin, value);
}

int32_t predict_features(const float *feature, float *margin, float *value) {
    return predict_row(feature, margin, value);
}

int32_t predict_one(const float *measurement, float *margin, float *value) {
    float feature[FEATURE_COUNT];
    derive_features(measurement, feature);
    return predict_row(feature, margin, value);
}

int32_t library_instruction_sets(void) {
#if defined(__x86_64__)
    if (!__builtin_cpu_supports("avx2")) return 1;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return 2;
    return __builtin_cpu_supports("avx512vbmi") ? 4 : 3;
#else
    return 1;
#endif
}

/* Evaluate rows that are too few for a block. */
#if ONE_ROW == RANKS
#define FEW_ROWS (FEATURE_COUNT > 1024 ? 1 : RANKED_TOGETHER) /* 64 KiB of the caller's stack at most */
static void predict_rest(int32_t instruction_set, int derived, const float *row, int64_t rows, float *margin,
                         float *value, int32_t *label) {
    float feature[FEW_ROWS][FEATURE_COUNT];
    for (int64_t done = 0; done < rows;) {
        const int64_t count = rows - done < FEW_ROWS ? rows - done : FEW_ROWS;
        for (int64_t i = 0; i < count; i++, row += derived ? FEATURE_COUNT : MEASUREMENT_COUNT) {
            float measurement[MEASUREMENT_COUNT];
            memcpy(derived ? feature[i] : measurement, row,
                   derived ? sizeof *feature : sizeof measurement); /* the caller's rows need not be aligned */
            if (!derived) derive_features(measurement, feature[i]);
        }
        SETS[instruction_set].few(feature[0], count, margin + done * OUTPUT_COUNT);
        for (const int64_t end = done + count; done < end; done++)
            label[done] = transform(margin + done * OUTPUT_COUNT, value + done * VALUE_COUNT);
    }
}
#else
static void predict_rest(int32_t instruction_set, int derived, const float *row, int64_t rows, float *margin,
                         float *value, int32_t *label) {
    (void)instruction_set;
    const int width = derived ? FEATURE_COUNT : MEASUREMENT_COUNT;
    for (int64_t done = 0; done < rows; done++) {
        float *to = margin + done * OUTPUT_COUNT, *as = value + done * VALUE_COUNT;
        float copy[FEATURE_COUNT > MEASUREMENT_COUNT ? FEATURE_COUNT : MEASUREMENT_COUNT];
        memcpy(copy, row + done * width, width * sizeof *copy);
        label[done] = derived ? predict_features(copy, to, as) : predict_one(copy, to, as);
    }
}
#endif

/* Evaluate blocks while at least BLOCK_FROM rows remain, then the rest. Return 0, or -1 without memory. */
static int32_t predict_all(int32_t instruction_set, int derived, const float *row, int64_t rows, float *margin,
                           float *value, int32_t *label) {
    const int width = derived ? FEATURE_COUNT : MEASUREMENT_COUNT;
    const int64_t most = SETS[instruction_set].rows;
    void *allocated = rows >= BLOCK_FROM ? malloc(sizeof(struct block_memory) + BOUNDARY) : NULL;
    if (rows >= BLOCK_FROM && !allocated) return -1;
    struct block_memory *memory = (void *)(((uintptr_t)allocated + BOUNDARY - 1) / BOUNDARY * BOUNDARY);
    int64_t done = 0;
    while (rows - done >= BLOCK_FROM) {
        const int64_t block = rows - done < most ? rows - done : most;
        SETS[instruction_set].predict(row + done * width, block, derived, memory, margin + done * OUTPUT_COUNT);
        for (const int64_t end = done + block; done < end; done++)
            label[done] = transform(margin + done * OUTPUT_COUNT, value + done * VALUE_COUNT);
    }
    free(allocated);
    predict_rest(instruction_set, derived, row + done * width, rows - done, margin + done * OUTPUT_COUNT,
                 value + done * VALUE_COUNT, label + done);
    return 0;
}

int32_t predict_rows(int32_t instruction_set, const float *measurement, int64_t rows, float *margin,
                     float *value, int32_t *label) {
    return predict_all(instruction_set, 0, measurement, rows, margin, value, label);
}

int32_t predict_feature_rows(int32_t instruction_set, const float *feature, int64_t rows, float *margin,
                             float *value, int32_t *label) {
    return predict_all(instruction_set, 1, feature, rows, margin, value, label);
}

void judge_rows(const float *measurement, const float *value, int64_t rows, float *distance, int32_t *inside,
                uint8_t *set) {
    for (int64_t i = 0; i < rows; i++) {
        float copy[MEASUREMENT_COUNT], shares[VALUE_COUNT];
        memcpy(copy, measurement + i * MEASUREMENT_COUNT, sizeof copy);
        memcpy(shares, value + i * VALUE_COUNT, sizeof shares);
        distance[i] = reference_distance(copy);
        inside[i] = in_distribution(distance[i]);
        for (int j = 0; j < VALUE_COUNT; j++) set[i * VALUE_COUNT + j] = (uint8_t)in_prediction_set(shares, j);
    }
}
