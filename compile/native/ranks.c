/* One row, or a few: every value becomes its rank among its column's thresholds, one byte, and trees compare bytes. This
 * file is compiled once for each instruction set that has a form of its own.
 *
 * 1. Rank the row: 16 comparisons find the group of 16 thresholds, 16 more the rank in it.
 * 2. Walk the upper levels of LANES trees at once. Column and rank of each tree's node are selected by the masks of the
 *    levels above it. One permutation looks up the row's ranks of all these columns.
 * 3. That gives each tree one record, in one cache line: the nodes of its last levels, and their leaves. The records of
 *    several trees are evaluated together, as long as they are in one register.
 * 4. Add the leaves, trees in order, as XGBoost adds them. The records of the next trees are on their way meanwhile. */
#include <math.h>

#include "rank_data.h"
#include "ranks.h"
#include "bytes.h"
#include "thresholds.h"

#define NAME_OF(name, set) name##_##set
#define NAMED(name, set) NAME_OF(name, set)
#define ALWAYS inline __attribute__((always_inline))
#define UPPER_NODES ((1 << RANK_UPPER) - 1)

/* A missing value is below every threshold, unless its column sends it right: there it is above all. */
static ALWAYS void rank_row(const float *feature, uint8_t *rank) {
    for (int i = 0; i < RANK_COLUMNS; i++) {
        const struct rank_column column = RANK_COLUMN[i];
        float value = feature[column.feature];
        if (!column.missing_left && value != value) value = INFINITY;
        const uint32_t before = 16 * rank_of_16(value, RANK_FIRSTS + 16 * i);
        rank[i] = (uint8_t)(before + rank_of_16(value, RANK_THRESHOLDS + column.thresholds + before));
    }
}

#ifdef VECTOR_LANES
/* Store for LANES trees how far the record of each is from the first tree's records. */
static ALWAYS void walk_upper(const uint8_t *upper, const struct table *ranks, uint32_t *at) {
    UNROLL for (int first = 0; first < LANES; first += VECTOR_LANES) {
        goes_right right[RANK_UPPER + 1];
        bytes record = all_bytes(0);
        UNROLL for (int level = 0; level < RANK_UPPER; level++) {
            bytes column[1 << RANK_UPPER], rank[1 << RANK_UPPER];
            const int nodes = 1 << level;
            const uint8_t *node = upper + 2 * LANES * (nodes - 1) + first;
            UNROLL for (int i = 0; i < nodes; i++) {
                column[i] = load_bytes(node + 2 * LANES * i);
                rank[i] = load_bytes(node + 2 * LANES * i + LANES);
            }
            UNROLL for (int above = 0, half = nodes / 2; half; above++, half /= 2)
                UNROLL for (int i = 0; i < half; i++) {
                    column[i] = choose_bytes(right[above], column[i + half], column[i]);
                    rank[i] = choose_bytes(right[above], rank[i + half], rank[i]);
                }
            right[level] = above_bytes(look_up_bytes(ranks, column[0]), rank[0]);
            record = twice_and_right(record, right[level]);
        }
        store_offsets(record, first, at);
    }
}
#else
static ALWAYS void walk_upper(const uint8_t *upper, const struct table *ranks, uint32_t *at) {
    uint32_t node[LANES] = {0};
    for (int level = 0; level < RANK_UPPER; level++)
        UNROLL for (int i = 0; i < LANES; i++) {
            const uint8_t *of = upper + 2 * LANES * node[i] + i;
            node[i] = 2 * node[i] + 1 + (ranks->bytes[of[0]] > of[LANES]);
        }
    UNROLL for (int i = 0; i < LANES; i++)
        at[i] = (((uint32_t)i << RANK_UPPER) + node[i] - UPPER_NODES) * RECORD_BYTES;
}
#endif

static ALWAYS float float_at(const uint8_t *record, uint32_t offset) {
    float value;
    memcpy(&value, record + offset, sizeof value);
    return value;
}

/* Return the leaf of one record. */
static ALWAYS float leaf_of(const uint8_t *record, const struct table *ranks) {
    uint32_t node = 0;
    UNROLL for (int level = 0; level < RANK_BELOW; level++)
        node = 2 * node + 1 + (ranks->bytes[record[node]] > record[RECORD_HEAD / 2 + node]);
    return float_at(record, RECORD_HEAD + 4 * (node + 1 - (1 << RANK_BELOW)));
}

/* Add the leaves of LANES trees. `at` is how far each tree's record is from the first tree's records. */
static ALWAYS float add_group(float sum, const uint8_t *records, const uint32_t *at, const struct table *ranks) {
#ifdef TOGETHER_BYTES
    UNROLL for (int first = 0; first < LANES; first += EVALUATED) {
        uint8_t leaf[8];
        evaluate_records(records, at + first, ranks, leaf);
        UNROLL for (int i = 0; i < EVALUATED; i++)
            sum += float_at(records + at[first + i], RECORD_HEAD + leaf[i * (8 / EVALUATED)]);
    }
#else
    UNROLL for (int i = 0; i < LANES; i++) sum += leaf_of(records + at[i], ranks);
#endif
    return sum;
}

void NAMED(rank_rows, FORM)(const float *row, int64_t rows, float *margin) {
    struct table rank[RANKED_TOGETHER];
    for (int64_t i = 0; i < rows; i++) {
        rank_row(row + i * FEATURE_COUNT, rank[i].bytes);
        memcpy(margin + i * OUTPUT_COUNT, BASE_MARGINS, sizeof BASE_MARGINS);
    }
    const uint8_t *upper = (const uint8_t *)RANK_UPPER_NODES, *records = (const uint8_t *)RANK_RECORDS;
    for (int group = 0; group < RANK_GROUP_COUNT; group++) {
        const uint32_t trees = RANK_GROUP[group].trees;
        for (int64_t i = 0; i < rows; i++) {
            uint32_t at[LANES] __attribute__((aligned(64)));
            walk_upper(upper, rank + i, at);
            float *sum = margin + i * OUTPUT_COUNT + RANK_GROUP[group].output;
            if (trees == LANES) *sum = add_group(*sum, records, at, rank + i);
            else for (uint32_t j = 0; j < trees; j++) *sum += leaf_of(records + at[j], rank + i);
        }
        upper += 2 * LANES * UPPER_NODES;
        records += (trees << RANK_UPPER) * RECORD_BYTES;
    }
}
