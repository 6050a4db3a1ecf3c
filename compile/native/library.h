/* The interface of a compiled model: what app/library.py calls. All numbers are IEEE 754 float32. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdint.h>

#define LIBRARY_ABI 1
#define EXPORT __attribute__((visibility("default")))

/* out[4]: LIBRARY_ABI, number of measurements, of features, of outputs. */
EXPORT void library_shape(int32_t out[4]);

/* One row. measurement[MEASUREMENT_COUNT] in; margin[OUTPUT_COUNT] and probability[OUTPUT_COUNT] out; returns the
 * label. NaN is missing. Reads and writes nothing else, keeps no state: any number of threads may call it. */
EXPORT int32_t predict_one(const float *measurement, float *margin, float *probability);

/* The same from feature[FEATURE_COUNT], what the trees split on: the parity check probes every threshold here. */
EXPORT int32_t predict_features(const float *feature, float *margin, float *probability);

#endif
