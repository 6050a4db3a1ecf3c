/* What ranks.c does with vectors of bytes. All that depends on the instruction set is here.
 *
 * look_up_bytes     for each byte, the rank in that column
 * above_bytes       where ranks are above others: the rows go right
 * choose_bytes      one of two bytes, by that
 * evaluate_records  several records at once -> the offset of each one's leaf */
#ifndef BYTES_H
#define BYTES_H

#define UNROLL _Pragma("GCC unroll 32")
#define RANK_TABLES ((RANK_COLUMNS + 31) / 32 == 3 ? 4 : (RANK_COLUMNS + 31) / 32) /* of 32 columns: 1, 2 or 4 */

struct table { /* a row's ranks */
    uint8_t bytes[32 * RANK_TABLES] __attribute__((aligned(64)));
};

#if FORM
#include <immintrin.h>
#define VECTOR_LANES 32
typedef __m256i bytes;
static inline bytes all_bytes(uint8_t value) { return _mm256_set1_epi8((char)value); }
static inline bytes load_bytes(const uint8_t *from) { return _mm256_load_si256((const __m256i *)from); }

/* Store the offset of each tree's record from the first tree's records. `first` is the number of the first tree. */
static inline void store_offsets(bytes record, int first, uint32_t *at) {
    const __m256i step = _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
    const __m256i tree = _mm256_set1_epi32(RECORD_BYTES << RANK_UPPER), size = _mm256_set1_epi32(RECORD_BYTES);
    UNROLL for (int i = 0; i < 4; i++) {
        const __m128i half = i < 2 ? _mm256_castsi256_si128(record) : _mm256_extracti128_si256(record, 1);
        const __m256i number = _mm256_cvtepu8_epi32(i % 2 ? _mm_srli_si128(half, 8) : half);
        const __m256i start = _mm256_mullo_epi32(_mm256_add_epi32(step, _mm256_set1_epi32(first + 8 * i)), tree);
        _mm256_store_si256((__m256i *)(at + first + 8 * i),
                           _mm256_add_epi32(start, _mm256_mullo_epi32(number, size)));
    }
}
#endif

#if FORM == 2
typedef __mmask32 goes_right;

static inline bytes table_at(const struct table *ranks, int i) { return load_bytes(ranks->bytes + 32 * i); }

static inline bytes look_up_bytes(const struct table *ranks, bytes column) {
#if RANK_TABLES == 1
    return _mm256_permutexvar_epi8(column, table_at(ranks, 0));
#else
    const bytes low = _mm256_permutex2var_epi8(table_at(ranks, 0), column, table_at(ranks, 1));
#if RANK_TABLES == 2
    return low;
#else
    return _mm256_mask_blend_epi8(_mm256_test_epi8_mask(column, all_bytes(64)), low,
                                  _mm256_permutex2var_epi8(table_at(ranks, 2), column, table_at(ranks, 3)));
#endif
#endif
}

static inline goes_right above_bytes(bytes a, bytes b) { return _mm256_cmpgt_epu8_mask(a, b); }
static inline bytes choose_bytes(goes_right right, bytes if_right, bytes if_left) {
    return _mm256_mask_blend_epi8(right, if_left, if_right);
}
static inline bytes twice_and_right(bytes number, goes_right right) {
    const bytes twice = _mm256_add_epi8(number, number);
    return _mm256_mask_add_epi8(twice, right, twice, all_bytes(1));
}
static inline uint64_t bits_of(goes_right right) { return right; }
#elif FORM == 1
typedef bytes goes_right; /* 0 where a row goes right, so that unsigned bytes need only two instructions */

static inline bytes shuffled(const struct table *ranks, int part, bytes column) {
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(ranks->bytes + 16 * part))),
                               column);
}
/* One of two vectors by bit 7 - SHIFT of each byte. */
#define BY_BIT(SHIFT, IF_0, IF_1) _mm256_blendv_epi8(IF_0, IF_1, _mm256_slli_epi16(column, SHIFT))
static inline bytes look_up_32(const struct table *ranks, int part, bytes column) {
    return BY_BIT(3, shuffled(ranks, part, column), shuffled(ranks, part + 1, column));
}
static inline bytes look_up_bytes(const struct table *ranks, bytes column) {
#if RANK_COLUMNS <= 16
    return shuffled(ranks, 0, column);
#elif RANK_TABLES == 1
    return look_up_32(ranks, 0, column);
#else
    const bytes low = BY_BIT(2, look_up_32(ranks, 0, column), look_up_32(ranks, 2, column));
#if RANK_TABLES == 2
    return low;
#else
    return BY_BIT(1, low, BY_BIT(2, look_up_32(ranks, 4, column), look_up_32(ranks, 6, column)));
#endif
#endif
}

static inline goes_right above_bytes(bytes a, bytes b) { return _mm256_cmpeq_epi8(_mm256_min_epu8(a, b), a); }
static inline bytes choose_bytes(goes_right right, bytes if_right, bytes if_left) {
    return _mm256_blendv_epi8(if_right, if_left, right);
}
static inline bytes twice_and_right(bytes number, goes_right right) {
    return _mm256_add_epi8(_mm256_add_epi8(number, number), _mm256_add_epi8(right, all_bytes(1)));
}
static inline uint64_t bits_of(goes_right right) { return (uint32_t)~_mm256_movemask_epi8(right); }
#endif

#if FORM && RANK_BELOW == 2
#define TOGETHER_BYTES 8 /* of a head */
#define EVALUATED 8      /* records */
static inline void evaluate_records(const uint8_t *records, const uint32_t *at, const struct table *ranks,
                                    uint8_t *leaf) {
    long long heads[8];
    UNROLL for (int i = 0; i < 8; i++) memcpy(heads + i, records + at[i], 8);
    const bytes low = _mm256_set_epi64x(heads[3], heads[2], heads[1], heads[0]);
    const bytes high = _mm256_set_epi64x(heads[7], heads[6], heads[5], heads[4]);
    /* In each byte, bit 0 is the root's answer; bits 1 and 2 are those of the nodes below it. */
    const uint64_t right = bits_of(above_bytes(look_up_bytes(ranks, low), _mm256_srli_epi64(low, 32))) |
                           bits_of(above_bytes(look_up_bytes(ranks, high), _mm256_srli_epi64(high, 32))) << 32;
    const uint64_t each = 0x0101010101010101;
    const uint64_t root = right & each, below = (root & right >> 2) | (~root & right >> 1 & each);
    const uint64_t offset = root << 3 | below << 2;
    memcpy(leaf, &offset, sizeof offset);
}
#elif FORM && RANK_BELOW == 3
#define TOGETHER_BYTES 16
#define EVALUATED 4
static inline void evaluate_records(const uint8_t *records, const uint32_t *at, const struct table *ranks,
                                    uint8_t *leaf) {
    __m128i heads[4];
    UNROLL for (int i = 0; i < 4; i++) heads[i] = _mm_load_si128((const __m128i *)(records + at[i]));
    const bytes low = _mm256_set_m128i(heads[1], heads[0]), high = _mm256_set_m128i(heads[3], heads[2]);
    /* In each 16 bits, bit 0 is the root's answer; then follow those of the two levels below it. */
    const uint64_t right = bits_of(above_bytes(look_up_bytes(ranks, low), _mm256_srli_si256(low, 8))) |
                           bits_of(above_bytes(look_up_bytes(ranks, high), _mm256_srli_si256(high, 8))) << 32;
    const uint64_t each = 0x0001000100010001;
#define BIT(I) (right >> (I) & each)
#define CHOOSE(MASK, RIGHT, LEFT) (((RIGHT) & (MASK)) | ((LEFT) & ~(MASK)))
    const uint64_t first = BIT(0) * 0xFFFF, node = CHOOSE(first, BIT(2), BIT(1)), second = node * 0xFFFF;
    const uint64_t last = CHOOSE(first, CHOOSE(second, BIT(6), BIT(5)), CHOOSE(second, BIT(4), BIT(3)));
    const uint64_t offset = BIT(0) << 4 | node << 3 | last << 2;
#undef BIT
#undef CHOOSE
    memcpy(leaf, &offset, sizeof offset);
}
#endif

#if FORM == 0 && defined(__aarch64__)
#define VECTOR_LANES 16
#include <arm_neon.h>
typedef uint8x16_t bytes;
typedef uint8x16_t goes_right;

static inline bytes all_bytes(uint8_t value) { return vdupq_n_u8(value); }
static inline bytes load_bytes(const uint8_t *from) { return vld1q_u8(from); }
static inline bytes look_up_bytes(const struct table *ranks, bytes column) {
    bytes found = all_bytes(0); /* an index that is too large gives 0 */
    UNROLL for (int i = 0; i < 2 * RANK_TABLES; i += 2) {
        const uint8x16x2_t table = {{vld1q_u8(ranks->bytes + 16 * i), vld1q_u8(ranks->bytes + 16 * i + 16)}};
        found = vorrq_u8(found, vqtbl2q_u8(table, vsubq_u8(column, all_bytes((uint8_t)(16 * i)))));
    }
    return found;
}
static inline goes_right above_bytes(bytes a, bytes b) { return vcgtq_u8(a, b); }
static inline bytes choose_bytes(goes_right right, bytes if_right, bytes if_left) {
    return vbslq_u8(right, if_right, if_left);
}
static inline bytes twice_and_right(bytes number, goes_right right) { return number + number - right; }
static inline void store_offsets(bytes record, int first, uint32_t *at) {
    for (int i = 0; i < 16; i++)
        at[first + i] = ((uint32_t)(first + i) << RANK_UPPER | record[i]) * RECORD_BYTES;
}
#endif

#endif
