/* The interface of a compiled model, which binding/library.py calls. All numbers are IEEE 754 float32. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdint.h>

#define LIBRARY_ABI 6
#define EXPORT __attribute__((visibility("default")))

/* A measurement is an input of the contract, and a feature a column that the trees split on. The outputs are the sums of
 * leaves. The values are what the sums become: probabilities or numbers. They are as many as the outputs, but 2 if one
 * output decides between two classes.
 *
 * out[6]: LIBRARY_ABI; the numbers of measurements, features, outputs and values; 1 if the library was made with what
 * answers are judged by (reference.h), else 0. ABI 5, which binding/abi_5.py reads, had out[5] without the number of
 * values. */
EXPORT void library_shape(int32_t out[6]);

/* Predict one row. In: measurement[MEASUREMENT_COUNT]. Out: margin[OUTPUT_COUNT], value[VALUE_COUNT]. Returns the
 * label: the index of the class, or 0 if there are no classes. NaN is missing. It touches nothing else and keeps no
 * state, so any number of threads may call it. */
EXPORT int32_t predict_one(const float *measurement, float *margin, float *value);

/* Predict one row of feature[FEATURE_COUNT], the columns that the trees split on. The parity check probes thresholds
 * with it. */
EXPORT int32_t predict_features(const float *feature, float *margin, float *value);

/* Return a new reference to a Python function. The function takes a tuple of MEASUREMENT_COUNT numbers, or None for a missing
 * one, and rounds them to float32. It returns (label, {name: value, ...}, [name, ...], in distribution, distance): the
 * last three are the prediction set, as a new list, and what judge_rows computes.
 * functions: the addresses of the Python functions that python.c lists, in its order.
 * margin[OUTPUT_COUNT]: the caller's memory; each call writes its margins there.
 * names: a tuple of VALUE_COUNT names.
 * owner: a Python object that keeps margin, names and this library alive. The function holds a reference to it.
 * Hold the interpreter's lock for this call and for each call of the function. */
EXPORT void *python_predict(void *const functions[], float *margin, void *names, void *owner);

/* Return a new reference to a Python function, after python_predict was called. It takes the arguments of predict_rows:
 * bytes, the offset of the first row in them, the number of rows, the instruction set, and 1 if the rows are of features,
 * else 0. It returns a tuple of bytearrays: margins, values, labels. It gives the interpreter's lock away while it works,
 * unless that takes longer than the work. */
EXPORT void *python_predict_batch(void *owner);

/* Return how many instruction sets this CPU has, 1 to 4. Number 0 is the baseline, 1 AVX2, 2 AVX-512, 3 AVX-512 with VBMI. */
EXPORT int32_t library_instruction_sets(void);

/* Use this instruction set for one row from now on. At first it is the baseline. */
EXPORT void library_use(int32_t instruction_set);

/* Predict many rows with one of these instruction sets. In: measurement[rows][MEASUREMENT_COUNT]. Out:
 * margin[rows][OUTPUT_COUNT], value[rows][VALUE_COUNT], label[rows]. Nothing need be aligned. Returns 0, or -1 if there
 * is no memory. */
EXPORT int32_t predict_rows(int32_t instruction_set, const float *measurement, int64_t rows, float *margin,
                            float *value, int32_t *label);

/* Predict many rows of feature[rows][FEATURE_COUNT]. See predict_rows. */
EXPORT int32_t predict_feature_rows(int32_t instruction_set, const float *feature, int64_t rows, float *margin,
                                    float *value, int32_t *label);

/* Judge answers. In: measurement[rows][MEASUREMENT_COUNT], value[rows][VALUE_COUNT]. Out: distance[rows], the smallest
 * Mahalanobis distance to a known class, or to the known rows; in_distribution[rows], 0 or 1; set[rows][VALUE_COUNT], 1
 * for each class that is in the prediction set, else 0. reference.h says what a library answers that cannot judge. */
EXPORT void judge_rows(const float *measurement, const float *value, int64_t rows, float *distance,
                       int32_t *in_distribution, uint8_t *set);

/* One input of many rows. Row i has value[offset + i], in native byte order, which need not be aligned. It is there if bit
 * (offset + i) % 8 of byte (offset + i) / 8 of `valid` is 1, as in Arrow, or if `valid` is NULL. A row is faulty if a value
 * is below `low`, above `high` or NaN, or if it is not there, unless a flag allows that. */
#define INPUT_WHOLE 1   /* a value with a fraction is faulty */
#define INPUT_MISSING 2 /* a value may be missing */
#define INPUT_UNSEEN 4  /* NaN is a category that is taken as missing, and not faulty */
struct input_column {
    const double *value;
    const uint8_t *valid;
    int64_t offset;
    double low, high;
    int32_t flags;
};

/* Predict and judge many rows of column[MEASUREMENT_COUNT]. Values are rounded to float32 as python_predict rounds them.
 * Out: what predict_rows and judge_rows give; faulty[rows], 1 for each faulty row, whose answer means nothing, else 0.
 * Returns 0, or -1 if there is no memory. Any number of threads may call it. */
EXPORT int32_t predict_columns(int32_t instruction_set, const struct input_column *column, int64_t rows, float *margin,
                               float *value, int32_t *label, float *distance, int32_t *in_distribution, uint8_t *set,
                               uint8_t *faulty);

#endif
