/* Judging an answer: how far a row is from the rows that the model knows, and which classes cannot be excluded.
 *
 * compile/uncertainty.py writes into model.h: REFERENCE, 1 if the model has an uncertainty; GAUSSIAN_COUNT, and if that
 * is not 0, KNOWN_COUNT, KNOWN, MEAN, WHITENING and DISTANCE_LIMIT; HAS_SETS, and if that is 1, SET_THRESHOLDS. Without
 * Gaussians, the distance is NaN and no row is in distribution. Without sets, every set is empty. */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <math.h>
#include <stdint.h>

#include "model.h"

/* Return the smallest Mahalanobis distance of measurement[MEASUREMENT_COUNT] to a Gaussian. Infinite if a value that it
 * needs is missing. The operations and their order are those of squared_distance in contract/uncertainty.py. */
static inline float reference_distance(const float *measurement) {
#if GAUSSIAN_COUNT
    float least = INFINITY;
    for (int g = 0; g < GAUSSIAN_COUNT; g++) {
        float deviation[KNOWN_COUNT], squared = 0.0f;
        for (int i = 0; i < KNOWN_COUNT; i++) deviation[i] = present(measurement[KNOWN[i]]) - MEAN[g][i];
        for (int i = 0; i < KNOWN_COUNT; i++) {
            float sum = deviation[0] * WHITENING[g][i][0];
            for (int j = 1; j <= i; j++) sum += deviation[j] * WHITENING[g][i][j];
            squared = i ? squared + sum * sum : sum * sum;
        }
        least = squared < least ? squared : least;
    }
    return sqrtf(least);
#else
    (void)measurement;
    return NAN;
#endif
}

static inline int in_distribution(float distance) {
#if GAUSSIAN_COUNT
    return distance <= DISTANCE_LIMIT;
#else
    (void)distance;
    return 0;
#endif
}

/* Return whether the class is in the prediction set, from value[VALUE_COUNT]. Every set has at least one class. */
static inline int in_prediction_set(const float *value, int class) {
#if HAS_SETS
    return value[class] >= SET_THRESHOLDS[class];
#else
    (void)value, (void)class;
    return 0;
#endif
}

#endif
