/* Many rows, one block at a time. This file is compiled once for each instruction set.
 *
 * 1. The block is turned into columns. Every distinct comparison of the model becomes a plane: one bit for each row.
 * 2. A tree's leaf index is d planes, folded from the leaves up by selecting between the planes of both children:
 *    one instruction decides one bit for all rows of the block.
 * 3. The planes become indices, and the leaves are added to the sums: trees in order, as XGBoost adds them. */
#include <float.h>
#include <math.h>

#include "model_data.h"
#include "planes.h"
#include "rows.h"
#include "thresholds.h"

#define NAME_OF(name, set) name##_##set
#define NAMED(name, set) NAME_OF(name, set)

static inline plane choose(plane right, plane if_right, plane if_left) {
    return (right & if_right) | (~right & if_left);
}

/* planes_D computes the D planes of the leaf index of a perfect tree of depth D. `order` begins with its root. */
static inline void planes_1(const plane_index *order, const plane *goes_right, plane *out) {
    out[0] = goes_right[order[0]];
}
#define DEFINE_PLANES(DEPTH, BELOW, INLINE)                                                                     \
    static INLINE void planes_##DEPTH(const plane_index *order, const plane *goes_right, plane *out) {     \
        plane left[BELOW], right[BELOW];                                                                        \
        planes_##BELOW(order + 1, goes_right, left);                                                            \
        planes_##BELOW(order + (1 << BELOW), goes_right, right);                                                \
        const plane here = goes_right[order[0]];                                                                \
        for (int i = 0; i < BELOW; i++) out[i] = choose(here, right[i], left[i]);                               \
        out[BELOW] = here;                                                                                      \
    }
#if INSTRUCTION_SET == 2
#define COMPARE_MOST 48 /* thresholds; with more, ranking is faster */
#else
#define COMPARE_MOST 24
#endif

#define LOADED 16 /* rows: a line of a column */
#define ALWAYS inline __attribute__((always_inline))
#define NEVER __attribute__((noinline))
DEFINE_PLANES(2, 1, ALWAYS)
DEFINE_PLANES(3, 2, ALWAYS)
DEFINE_PLANES(4, 3, NEVER)
DEFINE_PLANES(5, 4, ALWAYS)
DEFINE_PLANES(6, 5, ALWAYS)
DEFINE_PLANES(7, 6, NEVER)
DEFINE_PLANES(8, 7, NEVER)

static inline void add_planes(const struct tree *tree, const plane *goes_right, int rows, float *sum) {
    plane planes[8];
    const plane_index *order = ORDER + tree->order;
    const uint32_t *leaves = LEAVES + tree->leaves;
    switch (tree->depth) {
    case 0:
        for (int i = 0; i < ROWS; i++) sum[i] += float_of(leaves[0]);
        break;
#define CASE(DEPTH)                                    \
    case DEPTH:                                        \
        planes_##DEPTH(order, goes_right, planes);     \
        add_leaves(planes, DEPTH, leaves, rows, sum);        \
        break;
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
    }
}

#if WALKED_TREES
/* Add a tree that is too deep or too sparse for planes: eight rows walk it at once, without branches. */
static void add_walk(const struct tree *tree, const float (*column)[ROWS], float *sum) {
    const struct node *nodes = NODES + tree->nodes;
    for (int i = 0; i < ROWS; i += 8) {
        uint32_t at[8] = {0};
        for (uint32_t level = 0; level < tree->depth; level++)
            for (int j = 0; j < 8; j++) {
                const struct node node = nodes[at[j]];
                at[j] = node.left + goes_right(node, column[node.feature][i + j]);
            }
        for (int j = 0; j < 8; j++) sum[i + j] += float_of(LEAF_VALUES[tree->nodes + at[j]]);
    }
}
#endif

/* Return how many of a column's thresholds are not above the value: first find the group of 16, then the rank in it. */
static inline uint32_t rank_in(const struct column *column, float value) {
    const float *threshold = THRESHOLDS + column->thresholds, *group = GROUPS + column->groups;
    uint32_t before = 0;
    if (column->group_count <= 16) {
        before = rank_of_16(value, group);
    } else {
        for (uint32_t half = column->half; half; half /= 2) before += value >= group[before + half - 1] ? half : 0;
    }
    return 16 * before + rank_of_16(value, threshold + 16 * before);
}

/* Rank values among at most 255 thresholds: the first of each further 16 of them stay in a register. */
static void rank_bytes(const struct column *column, const float *value, int rows, uint8_t *rank) {
    const float *threshold = THRESHOLDS + column->thresholds, *group = GROUPS + column->groups;
    for (int i = 0; i < rows; i++) {
        const uint32_t before = 16 * rank_of_16(value[i], group);
        rank[i] = (uint8_t)(before + rank_of_16(value[i], threshold + before));
    }
}

/* Compute one plane for each threshold. Few thresholds are compared with all rows. Among more, the values are ranked,
 * which leaves bytes to compare. Among more than bytes can count, a value sets its bit in the plane of the last
 * threshold that is not above it, and then every plane includes the planes of higher thresholds. */
static void compare_column(const struct column *column, const float *value, int rows, plane *goes_right) {
    plane *planes = goes_right + column->first_plane;
    if (column->count <= COMPARE_MOST) {
        for (uint32_t i = 0; i < column->count; i++)
            compare_rows(value, THRESHOLDS[column->thresholds + i], planes + 1 + i);
    } else if (column->count <= UINT8_MAX) {
        uint8_t rank[ROWS] __attribute__((aligned(PLANE_BYTES))) = {0};
        rank_bytes(column, value, rows, rank);
        for (uint32_t i = 1; i <= column->count; i++) compare_ranks(rank, i, planes + i);
    } else {
        memset(planes, 0, (column->count + 1) * sizeof *planes);
        for (int i = 0; i < rows; i++)
            ((uint8_t *)(planes + rank_in(column, value[i])))[i / 8] |= (uint8_t)(1 << i % 8);
        for (uint32_t i = column->count; i-- > 1;) planes[i] |= planes[i + 1];
    }
}

static inline float below_infinity(float value) { return SET_COUNT && value > FLT_MAX ? FLT_MAX : value; }

/* The plane of a set of codes is made of the planes of its ends. */
static void combine_sets(plane *goes_right) {
#if SET_COUNT
    for (int i = 0; i < SET_COUNT; i++) {
        const plane_index *parts = SET_PARTS + SETS[i].first;
        plane member = {0};
        for (uint32_t j = 0; j < SETS[i].count; j++) member ^= goes_right[parts[j]];
        goes_right[PLANE_COUNT - SET_COUNT + i] = member;
    }
#else
    (void)goes_right;
#endif
}

/* In a column that sends missing values right, +infinity replaces NaN: it is below no threshold. If there are sets of
 * codes, +infinity is also a threshold, for missing values alone, and the largest float32 replaces an infinity. */
static void compare_columns(const float (*feature)[ROWS], int rows, plane *goes_right) {
    for (int i = 0; i < COLUMN_COUNT; i++) {
        const float *value = feature[COLUMNS[i].feature];
        float raised[ROWS] __attribute__((aligned(PLANE_BYTES)));
        if (!COLUMNS[i].missing_left) {
            for (int j = 0; j < ROWS; j++) raised[j] = value[j] == value[j] ? below_infinity(value[j]) : INFINITY;
            value = raised;
        }
        compare_column(COLUMNS + i, value, rows, goes_right);
    }
    memset(goes_right, 0, sizeof *goes_right);
    combine_sets(goes_right);
}

/* Load at most ROWS rows as columns, some rows at a time: their lines stay in the nearest cache, and whole lines of the
 * columns are written. If there are fewer rows, the rest of the block repeats the first one. */
static void load_columns(const float *row, int64_t rows, int width, float (*column)[ROWS]) {
    for (int first = 0; first < ROWS; first += LOADED) {
        const float *from[LOADED];
        for (int i = 0; i < LOADED; i++) from[i] = row + (first + i < rows ? first + i : 0) * width;
        for (int j = 0; j < width; j++)
            UNROLL for (int i = 0; i < LOADED; i++) memcpy(&column[j][first + i], from[i] + j, sizeof(float));
    }
}

#if WALKED_TREES
static void copy_columns_for_walks(float (*column)[ROWS]) {
    for (int j = 0; j < FEATURE_COUNT; j++)
        for (int i = 0; i < ROWS; i++) column[FEATURE_COUNT + j][i] = isnan(column[j][i]) ? -INFINITY : column[j][i];
#if CATEGORY_COUNT
    for (int j = 0; j < CATEGORY_COUNT; j++)
        for (int i = 0; i < ROWS; i++)
            column[2 * FEATURE_COUNT + j][i] = code_of(CATEGORIES + j, column[CATEGORIES[j].feature][i]);
#endif
}
#endif

/* The first MEASUREMENT_COUNT columns hold the measurements. The other features are computed from them. */
static void derive_columns(float (*feature)[ROWS]) {
    for (int j = 0; j < MEASUREMENT_COUNT; j++)
        for (int i = 0; i < ROWS; i++) feature[j][i] = present(feature[j][i]);
#ifdef DERIVE_COLUMNS
    for (int i = 0; i < ROWS; i++) {
        DERIVE_COLUMNS(feature, i)
    }
#endif
}

void NAMED(predict_block, INSTRUCTION_SET)(const float *row, int64_t rows, int derived, struct block_memory *memory,
                                            float *margin) {
    float(*column)[ROWS] = (float(*)[ROWS])memory->columns;
    float(*sum)[ROWS] = (float(*)[ROWS])memory->sums;
    plane *goes_right = (plane *)memory->planes;
    load_columns(row, rows, derived ? FEATURE_COUNT : MEASUREMENT_COUNT, column);
    if (!derived) derive_columns(column);
#if WALKED_TREES
    copy_columns_for_walks(column);
#endif
    compare_columns((const float(*)[ROWS])column, (int)rows, goes_right);
    for (int i = 0; i < OUTPUT_COUNT; i++)
        for (int j = 0; j < ROWS; j++) sum[i][j] = BASE_MARGINS[i];
    for (int i = 0; i < TREE_COUNT; i++) {
#if WALKED_TREES
        if (TREES[i].order == WALKED) {
            add_walk(TREES + i, (const float(*)[ROWS])column, sum[TREES[i].output]);
            continue;
        }
#endif
        add_planes(TREES + i, goes_right, (int)rows, sum[TREES[i].output]);
    }
    for (int i = 0; i < OUTPUT_COUNT; i++)
        for (int64_t j = 0; j < rows; j++) margin[j * OUTPUT_COUNT + i] = sum[i][j];
}
