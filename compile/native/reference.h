/* Judging an answer: how far a bird is from those the model knows, and which species cannot be excluded.
 *
 * model.h has, written by compile/reference.py: REFERENCE, and where it is 1 squared_distances(), DISTANCE_LIMIT and
 * SET_THRESHOLDS. Without a reference nothing is known: the distance is NaN, in no distribution, and the set empty. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <math.h>
#include <stdint.h>

#include "model.h"

/* measurement[MEASUREMENT_COUNT] in: the smallest Mahalanobis distance to a class. Infinite where a value is missing. */
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

/* probability[OUTPUT_COUNT] in; bit i is set where class i is in the prediction set, of which there is at least one. */
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
