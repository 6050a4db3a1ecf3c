/* The interface of a compiled model: what app/library.py calls. All numbers are IEEE 754 float32. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdint.h>

#define LIBRARY_ABI 5
#define EXPORT __attribute__((visibility("default")))

/* out[5]: LIBRARY_ABI, number of measurements, of features, of outputs; 1 where it has a reference to judge by, else 0. */
EXPORT void library_shape(int32_t out[5]);

/* One row. measurement[MEASUREMENT_COUNT] in; margin[OUTPUT_COUNT] and probability[OUTPUT_COUNT] out; returns the
 * label. NaN is missing. Reads and writes nothing else, keeps no state: any number of threads may call it. */
EXPORT int32_t predict_one(const float *measurement, float *margin, float *probability);

/* The same from feature[FEATURE_COUNT], what the trees split on: the parity check probes every threshold here. */
EXPORT int32_t predict_features(const float *feature, float *margin, float *probability);

/* A new reference to a Python function: a tuple of MEASUREMENT_COUNT numbers, rounded to float32, to (label,
 * {name: probability, ...}, prediction set, in distribution, distance), the last three as judge_rows gives them. functions: the addresses of Python's that python.c lists. margin[OUTPUT_COUNT] and the tuple
 * names[OUTPUT_COUNT] are the caller's; the first gets the margins of each call. The function holds a reference to owner,
 * a Python object that keeps both and this library until it goes. Called, and the function called, with the
 * interpreter's lock. */
EXPORT void *python_predict(void *const functions[], float *margin, void *names, void *owner);

/* How many instruction sets the rows can be computed with on this CPU, 1 to 3: 0 is the baseline, then AVX2, AVX-512. */
EXPORT int32_t library_instruction_sets(void);

/* Many rows, row after row, with one of those instruction sets: measurement[rows][MEASUREMENT_COUNT] in;
 * margin[rows][OUTPUT_COUNT], probability[rows][OUTPUT_COUNT] and label[rows] out. Nothing need be aligned. Returns 0, or -1
 * where there is no memory. */
EXPORT int32_t predict_rows(int32_t instruction_set, const float *measurement, int64_t rows, float *margin,
                            float *probability, int32_t *label);

/* The same from feature[rows][FEATURE_COUNT]. */
EXPORT int32_t predict_feature_rows(int32_t instruction_set, const float *feature, int64_t rows, float *margin,
                                    float *probability, int32_t *label);

/* Judge answers: measurement[rows][MEASUREMENT_COUNT] and probability[rows][OUTPUT_COUNT] in; out come distance[rows], the
 * smallest Mahalanobis distance to a class, whether it is in distribution, and the prediction set, bit i for class i.
 * What a library without a reference answers is in reference.h. */
EXPORT void judge_rows(const float *measurement, const float *probability, int64_t rows, float *distance,
                       int32_t *in_distribution, int32_t *prediction_set);

#endif
