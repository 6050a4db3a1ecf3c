/* The interface of a compiled model, which binding/library.py calls. All numbers are IEEE 754 float32. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdint.h>

#define LIBRARY_ABI 5
#define EXPORT __attribute__((visibility("default")))

/* out[5]: LIBRARY_ABI; the numbers of measurements, features and outputs; 1 if the library can judge answers
 * (reference.h), else 0. */
EXPORT void library_shape(int32_t out[5]);

/* Predict one row. In: measurement[MEASUREMENT_COUNT]. Out: margin[OUTPUT_COUNT], probability[OUTPUT_COUNT]. Returns
 * the label. NaN is missing. It touches nothing else and keeps no state, so any number of threads may call it. */
EXPORT int32_t predict_one(const float *measurement, float *margin, float *probability);

/* Predict one row of feature[FEATURE_COUNT], the columns that the trees split on. The parity check probes thresholds
 * with it. */
EXPORT int32_t predict_features(const float *feature, float *margin, float *probability);

/* Return a new reference to a Python function. The function takes a tuple of MEASUREMENT_COUNT numbers and rounds them
 * to float32. It returns (label, {name: probability, ...}, prediction set, in distribution, distance), the last three
 * as judge_rows computes them.
 * functions: the addresses of the Python functions that python.c lists, in its order.
 * margin[OUTPUT_COUNT]: the caller's memory; each call writes its margins there.
 * names: a tuple of OUTPUT_COUNT names.
 * owner: a Python object that keeps margin, names and this library alive. The function holds a reference to it.
 * Hold the interpreter's lock for this call and for each call of the function. */
EXPORT void *python_predict(void *const functions[], float *margin, void *names, void *owner);

/* Return how many instruction sets this CPU has for many rows, 1 to 3. Number 0 is the baseline, 1 AVX2, 2 AVX-512. */
EXPORT int32_t library_instruction_sets(void);

/* Predict many rows with one of these instruction sets. In: measurement[rows][MEASUREMENT_COUNT]. Out:
 * margin[rows][OUTPUT_COUNT], probability[rows][OUTPUT_COUNT], label[rows]. Nothing need be aligned. Returns 0, or -1
 * if there is no memory. */
EXPORT int32_t predict_rows(int32_t instruction_set, const float *measurement, int64_t rows, float *margin,
                            float *probability, int32_t *label);

/* Predict many rows of feature[rows][FEATURE_COUNT]. See predict_rows. */
EXPORT int32_t predict_feature_rows(int32_t instruction_set, const float *feature, int64_t rows, float *margin,
                                    float *probability, int32_t *label);

/* Judge answers. In: measurement[rows][MEASUREMENT_COUNT], probability[rows][OUTPUT_COUNT]. Out: distance[rows], the
 * smallest Mahalanobis distance to a class; in_distribution[rows], 0 or 1; prediction_set[rows], bit i for class i.
 * reference.h says what a library answers that cannot judge. */
EXPORT void judge_rows(const float *measurement, const float *probability, int64_t rows, float *distance,
                       int32_t *in_distribution, int32_t *prediction_set);

#endif
