/* The trees for ranks.c, as data. compile/data/ranks.py writes them into rank_data.c.
 *
 * All trees are perfect and have RANK_UPPER + RANK_BELOW levels of nodes. A row goes right at a node if its rank in the
 * node's column is above the node's rank; 255 sends every row left. Trees of one output are consecutive, in groups of
 * at most LANES. */
#ifndef RANK_DATA_H
#define RANK_DATA_H

#include <stdint.h>
#include <string.h>

#include "model.h"

#define LANES 32

struct rank_column {
    uint32_t feature;
    uint32_t missing_left;
    uint32_t thresholds; /* index of the first in RANK_THRESHOLDS: ascending, then NaN up to a multiple of 16 */
};
struct rank_group {
    uint32_t trees;
    uint32_t output;
};

/* The nodes below the upper levels: their columns and ranks in breadth-first order, each half of the head; then the
 * leaves from left to right. */
#define RECORD_HEAD (RANK_BELOW == 3 ? 16 : RANK_BELOW == 2 ? 8 : RANK_BELOW == 1 ? 4 : 0) /* bytes */
#define RECORD_BYTES (RANK_BELOW == 3 ? 64 : RANK_BELOW == 2 ? 32 : RANK_BELOW == 1 ? 16 : 4)

extern const struct rank_column RANK_COLUMN[RANK_COLUMNS];
extern const float RANK_THRESHOLDS[];
extern const float RANK_FIRSTS[]; /* for each column, the first thresholds of its second 16, third 16, ...; then NaN */
extern const struct rank_group RANK_GROUP[RANK_GROUP_COUNT];
/* These are bytes, and aligned to a cache line. */
extern const uint64_t RANK_UPPER_NODES[]; /* by group and node: the columns of LANES trees, then the ranks */
extern const uint64_t RANK_RECORDS[];     /* 1 << RANK_UPPER records for each tree, from left to right */

#endif
