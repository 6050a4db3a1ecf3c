/* The trees as data. compile/layout.py writes them into model_data.c; walk.c and rows.c read them. */
#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#include <stdint.h>
#include <string.h>

#include "model.h"

/* Trees to walk from the root. Nodes are in breadth-first order, and links are relative to the tree's first node.
 * A row is stored twice: unchanged, so that NaN fails every comparison and goes right; and from FEATURE_COUNT on with
 * -infinity in place of NaN, which goes left. `feature` is the index in the copy that sends a missing value the right
 * way. The right child is after the left one. A leaf leads to itself: its threshold is NaN, and its `left` is its own
 * index less 1. */
struct node {
    uint32_t threshold; /* the bits of a float32 */
    node_index feature;
    node_index left;
};

#define WALKED UINT32_MAX

struct tree {
    uint32_t nodes;  /* index of its root in NODES and LEAF_VALUES */
    uint32_t depth;  /* edges from the root to the deepest leaf */
    uint32_t output; /* index of the sum it adds to */
    uint32_t order;  /* index of its root in ORDER, or WALKED if it is too deep or too sparse for planes */
    uint32_t leaves; /* index of its leftmost leaf in LEAVES */
};

extern const struct tree TREES[TREE_COUNT];
extern const uint32_t WALK_DEPTHS[TREE_COUNT / TOGETHER + 1]; /* the depth of the deepest of TOGETHER trees */
extern const struct node NODES[NODE_COUNT];
extern const uint32_t LEAF_VALUES[NODE_COUNT]; /* bits of a float32, by node */

/* Trees for many rows at once. They are made perfect: every path has the tree's depth. Each distinct comparison is
 * evaluated once for all trees. ORDER has the plane of every inner node, depth first. LEAVES has the leaf values from
 * left to right. */
struct column { /* a feature, and one side for its missing values */
    uint32_t feature;
    uint32_t missing_left;
    uint32_t count;       /* number of its distinct thresholds, which are in ascending order */
    uint32_t thresholds;  /* index of the first in THRESHOLDS, followed by NaN up to a multiple of 16 */
    uint32_t groups;      /* index in GROUPS of the first threshold of the second 16, the third, ...; then NaN */
    uint32_t group_count; /* number of these, padded to 16, or to one less than a power of two */
    uint32_t half;        /* (group_count + 1) / 2 */
    uint32_t first_plane; /* the plane of the first threshold is the next one */
};

extern const struct column COLUMNS[];
extern const float THRESHOLDS[];
extern const float GROUPS[];
extern const plane_index ORDER[]; /* in plane 0 every row goes left */
extern const uint32_t LEAVES[];

static inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
