/* Judging an answer: how far a bird is from the birds that the model knows, and which species cannot be excluded.
 *
 * compile/uncertainty.py writes into model.h: REFERENCE; and if it is 1, squared_distances(), DISTANCE_LIMIT and
 * SET_THRESHOLDS. If REFERENCE is 0, the distance is NaN, out of distribution, and the set is empty. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <math.h>
#include <stdint.h>

#include "model.h"

/* Return the smallest Mahalanobis distance of measurement[MEASUREMENT_COUNT] to a class. Infinite if a value
 * is missing. */
static inline float reference_distance(const float *measurement) {
#if REFERENCE
    float squared[OUTPUT_COUNT], least = INFINITY;
    squared_distances(measurement, squared);
    for (int i = 0; i < OUTPUT_COUNT; i++) least = squared[i] < least ? squared[i] : least;
    return sqrtf(least);
#else
    (void)measurement;
    return NAN;
#endif
}

static inline int in_distribution(float distance) {
#if REFERENCE
    return distance <= DISTANCE_LIMIT;
#else
    (void)distance;
    return 0;
#endif
}

/* Return the prediction set of probability[OUTPUT_COUNT]: bit i for class i. It has at least one class. */
static inline int32_t prediction_set(const float *probability) {
#if REFERENCE
    int32_t members = 0;
    for (int i = 0; i < OUTPUT_COUNT; i++) members |= (int32_t)(probability[i] >= SET_THRESHOLDS[i]) << i;
    return members;
#else
    (void)probability;
    return 0;
#endif
}

#endif
