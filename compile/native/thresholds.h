/* The rank of a value, with the instructions that a file is compiled for. */
#ifndef THRESHOLDS_H
#define THRESHOLDS_H

#include <stdint.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

/* Return how many of 16 sorted thresholds are not above the value. Padding is NaN, which counts as above. 0 for NaN. */
static inline uint32_t rank_of_16(float value, const float *threshold) {
#if defined(__AVX512F__)
    return (uint32_t)__builtin_popcount(
        _mm512_cmp_ps_mask(_mm512_set1_ps(value), _mm512_loadu_ps(threshold), _CMP_GE_OQ));
#elif defined(__AVX2__)
    const __m256 values = _mm256_set1_ps(value);
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(values, _mm256_loadu_ps(threshold), _CMP_GE_OQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(values, _mm256_loadu_ps(threshold + 8), _CMP_GE_OQ));
    return (uint32_t)__builtin_popcount((unsigned)(low | high << 8));
#else /* a search: GCC 12 for aarch64 makes a sum of -1s of a loop that counts */
    uint32_t rank = 0;
    rank += (uint32_t)(value >= threshold[7]) << 3;
    rank += (uint32_t)(value >= threshold[rank + 3]) << 2;
    rank += (uint32_t)(value >= threshold[rank + 1]) << 1;
    rank += value >= threshold[rank];
    return rank + (value >= threshold[rank]);
#endif
}

#endif
