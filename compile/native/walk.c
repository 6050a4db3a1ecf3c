/* One row, without branches that depend on data: several trees at once, one level at a time. */
#include <math.h>

#include "model_data.h"
#include "walk.h"

#define UNROLL _Pragma("GCC unroll 16")

static inline uint32_t step(const struct node *nodes, uint32_t at, const float *row) {
    const struct node node = nodes[at];
    return node.left + goes_right(node, row[node.feature]);
}

/* If the trees' outputs are 0, 1, ... in turn, and start anew with each group, each sum can stay in a register. */
static inline uint32_t output_of(const struct tree *trees, uint32_t i) {
#if OUTPUTS_IN_TURN
    (void)trees;
    return i % OUTPUT_COUNT;
#else
    return trees[i].output;
#endif
}

static inline __attribute__((always_inline)) void walk_together(const struct tree *trees, uint32_t count,
                                                                uint32_t depth, const float *row, float *sum) {
    uint32_t at[TOGETHER] = {0};
    for (uint32_t level = 0; level < depth; level++)
        UNROLL for (uint32_t i = 0; i < count; i++) at[i] = step(NODES + trees[i].nodes, at[i], row);
    UNROLL for (uint32_t i = 0; i < count; i++) sum[output_of(trees, i)] += float_of(LEAF_VALUES[trees[i].nodes + at[i]]);
}

void walk_row(const float *feature, float *margin) {
    float row[WALKED_COLUMNS], sum[OUTPUT_COUNT];
    for (int i = 0; i < FEATURE_COUNT; i++) {
        row[i] = feature[i];
        row[FEATURE_COUNT + i] = isnan(feature[i]) ? -INFINITY : feature[i];
    }
#if CATEGORY_COUNT
    for (int i = 0; i < CATEGORY_COUNT; i++)
        row[2 * FEATURE_COUNT + i] = code_of(CATEGORIES + i, feature[CATEGORIES[i].feature]);
#endif
    memcpy(sum, BASE_MARGINS, sizeof sum);
    uint32_t i = 0;
    for (; i + TOGETHER <= TREE_COUNT; i += TOGETHER)
        walk_together(TREES + i, TOGETHER, WALK_DEPTHS[i / TOGETHER], row, sum);
    walk_together(TREES + i, TREE_COUNT - i, WALK_DEPTHS[i / TOGETHER], row, sum);
    memcpy(margin, sum, sizeof sum);
}
