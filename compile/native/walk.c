/* One row, without branches that depend on data: several trees at once, one level at a time. */
#include <math.h>

#include "model_data.h"
#include "walk.h"

#define TOGETHER 8 /* trees; enough to hide the latency of a step, and few enough for the registers */

static inline uint32_t step(const struct node *nodes, uint32_t at, const float *row) {
    const struct node node = nodes[at];
    return node.left + !(row[node.feature] < float_of(node.threshold));
}

static inline void walk_together(const struct tree *trees, uint32_t count, const float *row, float *margin) {
    uint32_t at[TOGETHER] = {0}, depth = 0;
    for (uint32_t i = 0; i < count; i++) depth = trees[i].depth > depth ? trees[i].depth : depth;
    for (uint32_t level = 0; level < depth; level++)
        for (uint32_t i = 0; i < count; i++) at[i] = step(NODES + trees[i].nodes, at[i], row);
    for (uint32_t i = 0; i < count; i++) margin[trees[i].output] += float_of(LEAF_VALUES[trees[i].nodes + at[i]]);
}

void walk_row(const float *feature, float *margin) {
    float row[2 * FEATURE_COUNT];
    for (int i = 0; i < FEATURE_COUNT; i++) {
        row[i] = feature[i];
        row[FEATURE_COUNT + i] = isnan(feature[i]) ? -INFINITY : feature[i];
    }
    memcpy(margin, BASE_MARGINS, sizeof BASE_MARGINS);
    uint32_t i = 0;
    for (; i + TOGETHER <= TREE_COUNT; i += TOGETHER) walk_together(TREES + i, TOGETHER, row, margin);
    walk_together(TREES + i, TREE_COUNT - i, row, margin);
}
