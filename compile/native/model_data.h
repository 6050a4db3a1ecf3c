/* The trees as data. compile/data/layout.py writes them into model_data.c; walk.c and rows.c read them. */
#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#include <stdint.h>
#include <string.h>

#include "model.h"

/* Trees to walk from the root. Nodes are in breadth-first order, and links are relative to the tree's first node.
 * A row is stored twice: unchanged, so that NaN fails every comparison and goes right; and from FEATURE_COUNT on with
 * -infinity in place of NaN, which goes left. `feature` is the index in the copy that sends a missing value the right
 * way. The right child is after the left one. A leaf leads to itself: its threshold is NaN, and its `left` is its own
 * index less 1.
 *
 * Behind the two copies, a row has a code for each feature with categories. A node that splits on a set of codes names
 * one of these in `feature`, and in `threshold` the word of MEMBERS where its set begins. */
struct node {
    uint32_t threshold; /* the bits of a float32, or an index in MEMBERS */
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
#define WALKED_COLUMNS (2 * FEATURE_COUNT + CATEGORY_COUNT) /* of a row that is walked */

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

/* A set of codes: its plane is the exclusive or of `count` planes of a column, those of the codes where a sequence of
 * consecutive codes begins or ends. The planes of sets are the last SET_COUNT ones. */
struct code_set {
    uint32_t first; /* index in SET_PARTS */
    uint32_t count;
};

extern const struct code_set SETS[];
extern const plane_index SET_PARTS[];
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

#if CATEGORY_COUNT
struct category {
    uint32_t feature;
    uint32_t limit; /* the first code that is in no set: it stands for every code that is in none, and the next one for
                     * a missing value */
};

extern const struct category CATEGORIES[CATEGORY_COUNT];
extern const uint32_t MEMBERS[]; /* one bit for each code */

/* The code of a value, as the bits of a float32. Like XGBoost, drop the fraction, after the sign has been looked at. */
static inline float code_of(const struct category *category, float value) {
    if (value != value) return float_of(category->limit + 1);
    return float_of(value >= 0.0f && value < (float)category->limit ? (uint32_t)value : category->limit);
}
#endif

/* Whether a row goes right, 1 or 0, without a branch. `value` is its entry for the node's feature. */
static inline uint32_t goes_right(struct node node, float value) {
    const uint32_t not_below = !(value < float_of(node.threshold));
#if CATEGORY_COUNT
    uint32_t code;
    memcpy(&code, &value, sizeof code);
    const uint32_t of_codes = -(uint32_t)(node.feature >= 2 * FEATURE_COUNT);
    const uint32_t member = MEMBERS[(node.threshold + (code >> 5)) & of_codes] >> (code & 31) & 1;
    return (member & of_codes) | (not_below & ~of_codes);
#else
    return not_below;
#endif
}

#endif
