/* Bit planes: one bit for each row, for as many rows as a vector has bits. All that depends on the instruction set is
 * here.
 *
 * compare_rows      column[ROWS] against one threshold -> one plane
 * compare_ranks     rank[ROWS] against one rank -> one plane
 * add_leaves        the planes of a tree's leaf index, and its leaves -> added to sum[ROWS], at least for `rows` rows
 */
#ifndef PLANES_H
#define PLANES_H

#include <stdint.h>
#include <string.h>

#if INSTRUCTION_SET == 2
#define PLANE_BYTES 64
#include <immintrin.h>
#elif INSTRUCTION_SET == 1
#define PLANE_BYTES 32
#include <immintrin.h>
#else
#define PLANE_BYTES 16
#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#endif

#define ROWS (8 * PLANE_BYTES)
typedef uint64_t plane __attribute__((vector_size(PLANE_BYTES), aligned(PLANE_BYTES), may_alias));

#define UNROLL _Pragma("GCC unroll 8")

/* Compute the plane of one threshold: 1 if the value is not below the threshold. NaN counts as below. */
static inline void compare_rows(const float *column, float threshold, plane *out) {
    uint8_t *bits = (uint8_t *)out;
#if INSTRUCTION_SET == 2
    const __m512 limit = _mm512_set1_ps(threshold);
    UNROLL for (int i = 0; i < ROWS / 16; i++) {
        const __mmask16 right = _mm512_cmp_ps_mask(_mm512_load_ps(column + 16 * i), limit, _CMP_GE_OQ);
        memcpy(bits + 2 * i, &right, 2);
    }
#elif INSTRUCTION_SET == 1
    const __m256 limit = _mm256_set1_ps(threshold);
    UNROLL for (int i = 0; i < ROWS / 8; i++)
        bits[i] = (uint8_t)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(column + 8 * i), limit, _CMP_GE_OQ));
#elif defined(__SSE2__)
    const __m128 limit = _mm_set1_ps(threshold);
    UNROLL for (int i = 0; i < ROWS / 8; i++)
        bits[i] = (uint8_t)(_mm_movemask_ps(_mm_cmpge_ps(_mm_load_ps(column + 8 * i), limit)) |
                            _mm_movemask_ps(_mm_cmpge_ps(_mm_load_ps(column + 8 * i + 4), limit)) << 4);
#elif defined(__aarch64__)
    const float32x4_t limit = vdupq_n_f32(threshold);
    const uint32x4_t low_bits = {1, 2, 4, 8}, high_bits = {16, 32, 64, 128};
    UNROLL for (int i = 0; i < ROWS / 8; i++) {
        const uint32x4_t low = vcgeq_f32(vld1q_f32(column + 8 * i), limit);
        const uint32x4_t high = vcgeq_f32(vld1q_f32(column + 8 * i + 4), limit);
        bits[i] = (uint8_t)vaddvq_u32(vorrq_u32(vandq_u32(low, low_bits), vandq_u32(high, high_bits)));
    }
#else
    for (int i = 0; i < ROWS / 8; i++) {
        unsigned right = 0;
        for (int j = 0; j < 8; j++) right |= (unsigned)(column[8 * i + j] >= threshold) << j;
        bits[i] = (uint8_t)right;
    }
#endif
}

/* Compute the plane of the ranks that are at least `least`, from 1 to 255. */
static inline void compare_ranks(const uint8_t *rank, uint32_t least, plane *out) {
    uint8_t *bits = (uint8_t *)out;
#if INSTRUCTION_SET == 2
    const __m512i limit = _mm512_set1_epi8((char)least);
    UNROLL for (int i = 0; i < ROWS / 64; i++) {
        const __mmask64 right = _mm512_cmpge_epu8_mask(_mm512_load_si512(rank + 64 * i), limit);
        memcpy(bits + 8 * i, &right, 8);
    }
#elif INSTRUCTION_SET == 1
    const __m256i limit = _mm256_set1_epi8((char)least);
    UNROLL for (int i = 0; i < ROWS / 32; i++) {
        const __m256i ranks = _mm256_load_si256((const __m256i *)(rank + 32 * i));
        const int right = _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_max_epu8(ranks, limit), ranks));
        memcpy(bits + 4 * i, &right, 4);
    }
#elif defined(__SSE2__)
    const __m128i limit = _mm_set1_epi8((char)least);
    UNROLL for (int i = 0; i < ROWS / 16; i++) {
        const __m128i ranks = _mm_load_si128((const __m128i *)(rank + 16 * i));
        const int right = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(ranks, limit), ranks));
        memcpy(bits + 2 * i, &right, 2);
    }
#elif defined(__aarch64__)
    const uint8x16_t limit = vdupq_n_u8((uint8_t)least);
    const uint8x8_t places = {1, 2, 4, 8, 16, 32, 64, 128};
    UNROLL for (int i = 0; i < ROWS / 16; i++) {
        const uint8x16_t right = vandq_u8(vcgeq_u8(vld1q_u8(rank + 16 * i), limit), vcombine_u8(places, places));
        bits[2 * i] = vaddv_u8(vget_low_u8(right));
        bits[2 * i + 1] = vaddv_u8(vget_high_u8(right));
    }
#else
    for (int i = 0; i < ROWS / 8; i++) {
        unsigned right = 0;
        for (int j = 0; j < 8; j++) right |= (unsigned)(rank[8 * i + j] >= least) << j;
        bits[i] = (uint8_t)right;
    }
#endif
}

/* The leaf indices of rows as bytes, with one bit from each plane; depth <= 8. */
#if INSTRUCTION_SET == 2
static inline __attribute__((always_inline)) __m512i leaf_indices(const plane *planes, int depth, int group) {
    __m512i index = _mm512_setzero_si512();
    for (int j = 0; j < depth; j++)
        index = _mm512_or_si512(index, _mm512_maskz_set1_epi8(planes[j][group], (char)(1 << j)));
    return index;
}

static inline __attribute__((always_inline)) __m512 look_up(__m512i index, int depth, const __m512 *table,
                                                            const float *leaves) {
    if (depth <= 4) return _mm512_permutexvar_ps(index, table[0]);
    if (depth == 5) return _mm512_permutex2var_ps(table[0], index, table[1]);
    if (depth == 6)
        return _mm512_mask_blend_ps(_mm512_test_epi32_mask(index, _mm512_set1_epi32(32)),
                                    _mm512_permutex2var_ps(table[0], index, table[1]),
                                    _mm512_permutex2var_ps(table[2], index, table[3]));
    return _mm512_i32gather_ps(index, leaves, 4);
}

static inline __attribute__((always_inline)) void add_leaves(const plane *planes, int depth, const uint32_t *leaves,
                                                             int rows, float *sum) {
    if (depth == 1) {
        const __m512 left = _mm512_set1_ps(float_of(leaves[0])), right = _mm512_set1_ps(float_of(leaves[1]));
        for (int first = 0; first < rows; first += 64)
            UNROLL for (int i = first; i < first + 64; i += 16) {
                __mmask16 goes_right;
                memcpy(&goes_right, (const uint8_t *)planes + i / 8, 2);
                const __m512 leaf = _mm512_mask_blend_ps(goes_right, left, right);
                _mm512_store_ps(sum + i, _mm512_add_ps(_mm512_load_ps(sum + i), leaf));
            }
        return;
    }
    __m512 table[4];
    const int tables = depth <= 4 ? 1 : depth == 5 ? 2 : depth == 6 ? 4 : 0;
    for (int i = 0; i < tables; i++)
        table[i] = _mm512_castsi512_ps(
            depth < 4 ? _mm512_maskz_loadu_epi32((__mmask16)((1 << (1 << depth)) - 1), leaves)
                      : _mm512_loadu_si512(leaves + 16 * i));
    for (int group = 0; 64 * group < rows; group++) {
        const __m512i bytes = leaf_indices(planes, depth, group);
#define ADD(I)                                                                                                        \
    {                                                                                                                 \
        float *at = sum + 64 * group + 16 * (I);                                                                      \
        const __m512i index = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(bytes, I));                              \
        _mm512_store_ps(at, _mm512_add_ps(_mm512_load_ps(at), look_up(index, depth, table, (const float *)leaves)));  \
    }
        ADD(0) ADD(1) ADD(2) ADD(3)
#undef ADD
    }
}
#else
/* A table from a byte to 8 bytes: each bit becomes a byte of 0 or 1. */
#define BIT(B, I) ((uint64_t)((B) >> (I) & 1) << 8 * (I))
#define SPREAD_1(B) BIT(B, 0) | BIT(B, 1) | BIT(B, 2) | BIT(B, 3) | BIT(B, 4) | BIT(B, 5) | BIT(B, 6) | BIT(B, 7)
#define SPREAD_4(B) SPREAD_1(B), SPREAD_1((B) + 1), SPREAD_1((B) + 2), SPREAD_1((B) + 3)
#define SPREAD_16(B) SPREAD_4(B), SPREAD_4((B) + 4), SPREAD_4((B) + 8), SPREAD_4((B) + 12)
#define SPREAD_64(B) SPREAD_16(B), SPREAD_16((B) + 16), SPREAD_16((B) + 32), SPREAD_16((B) + 48)
static const uint64_t SPREAD[256] = {SPREAD_64(0), SPREAD_64(64), SPREAD_64(128), SPREAD_64(192)};

#if INSTRUCTION_SET == 1
/* The low three bits of an index select one of eight leaves in a register. Each further bit selects
 * one of two halves. */
#define ALWAYS_INLINE inline __attribute__((always_inline))
static ALWAYS_INLINE __m256 look_up_3(__m256i index, const __m256 *table) {
    return _mm256_permutevar8x32_ps(table[0], index);
}
#define DEFINE_LOOK_UP(BITS, BELOW)                                                                       \
    static ALWAYS_INLINE __m256 look_up_##BITS(__m256i index, const __m256 *table) {                     \
        return _mm256_blendv_ps(look_up_##BELOW(index, table),                                            \
                                look_up_##BELOW(index, table + (1 << (BELOW - 3))),                       \
                                _mm256_castsi256_ps(_mm256_slli_epi32(index, 31 - BELOW)));               \
    }
DEFINE_LOOK_UP(4, 3)
DEFINE_LOOK_UP(5, 4)
DEFINE_LOOK_UP(6, 5)

static ALWAYS_INLINE __m256 look_up(__m256i index, int depth, const __m256 *table) {
    return depth <= 3   ? look_up_3(index, table)
           : depth == 4 ? look_up_4(index, table)
           : depth == 5 ? look_up_5(index, table)
                        : look_up_6(index, table);
}
#endif

static inline __attribute__((always_inline)) void add_leaves(const plane *planes, int depth, const uint32_t *leaves,
                                                             int rows, float *sum) {
    const float *value = (const float *)(const void *)leaves;
#if INSTRUCTION_SET == 1
    __m256 table[8];
    const int tables = depth <= 3 ? 1 : depth <= 6 ? 1 << (depth - 3) : 0;
    for (int i = 0; i < tables; i++) table[i] = _mm256_loadu_ps(value + 8 * i);
#endif
    for (int i = 0; 8 * i < rows; i++) {
        uint64_t indices = 0;
        UNROLL for (int j = 0; j < depth; j++) indices |= SPREAD[((const uint8_t *)(planes + j))[i]] << j;
        float *to = sum + 8 * i;
#if INSTRUCTION_SET == 1
        if (tables) {
            const __m256i index = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)indices));
            _mm256_store_ps(to, _mm256_add_ps(_mm256_load_ps(to), look_up(index, depth, table)));
            continue;
        }
#endif
        UNROLL for (int j = 0; j < 8; j++) to[j] += value[indices >> 8 * j & 255];
    }
}
#endif

#endif
