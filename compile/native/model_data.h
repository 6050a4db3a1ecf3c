/* The trees as data: written by compile/layout.py into model_data.c, read by walk.c and rows.c. */
#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#include <stdint.h>
#include <string.h>

#include "model.h"

/* Trees for walking from the root, nodes in breadth-first order, links relative to the tree's first node.
 * A row is held twice: as it is, so that NaN fails every comparison and goes right; and from FEATURE_COUNT on with
 * -infinity for NaN, which goes left. `feature` picks the copy by where the split sends a missing value.
 * The right child stands behind the left one. A leaf leads to itself: its threshold is NaN, its `left` is one less. */
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
    uint32_t order;  /* index of its root in ORDER, or WALKED where it is too deep or too sparse for planes */
    uint32_t leaves; /* index of its leftmost leaf in LEAVES */
};

extern const struct tree TREES[TREE_COUNT];
extern const struct node NODES[NODE_COUNT];
extern const uint32_t LEAF_VALUES[NODE_COUNT]; /* bits of a float32, by node */

/* Trees for many rows at once, made perfect: every path has the tree's depth. Distinct comparisons are evaluated once
 * for all trees. ORDER holds the plane of every inner node, depth first; LEAVES the values from left to right. */
struct column { /* a feature, with one way that missing values go */
    uint32_t feature;
    uint32_t missing_left;
    uint32_t count;       /* of its distinct thresholds, in ascending order */
    uint32_t thresholds;  /* index of the first in THRESHOLDS, followed by NaN up to a multiple of 16 */
    uint32_t groups;      /* index in GROUPS of the first threshold of the second 16, the third, ...; then NaN */
    uint32_t group_count; /* of these, padded to 16, or to one less than a power of two */
    uint32_t half;        /* (group_count + 1) / 2 */
    uint32_t first_plane; /* the first threshold's plane is the one after it */
};

extern const struct column COLUMNS[];
extern const float THRESHOLDS[];
extern const float GROUPS[];
extern const plane_index ORDER[]; /* plane 0 goes left always */
extern const uint32_t LEAVES[];

static inline float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
