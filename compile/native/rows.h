/* A block of rows, for each instruction set: 0 the baseline, 1 AVX2, 2 AVX-512. */
#ifndef ROWS_H
#define ROWS_H

#include <stdint.h>

#include "model.h"

#define MOST_ROWS 512 /* of a block of any instruction set */

/* Scratch of one call, on a boundary of 64 bytes; each instruction set uses the part that it needs. */
struct block_memory {
    float measurements[MEASUREMENT_COUNT][MOST_ROWS];
    float columns[(WALKED_TREES ? 2 : 1) * FEATURE_COUNT][MOST_ROWS];
    float sums[OUTPUT_COUNT][MOST_ROWS];
    uint8_t planes[PLANE_COUNT][MOST_ROWS / 8];
};

/* row[rows][FEATURE_COUNT where derived, else MEASUREMENT_COUNT] in, margin[rows][OUTPUT_COUNT] out; rows is at most
 * that instruction set's block. */
void predict_block_0(const float *row, int64_t rows, int derived, struct block_memory *memory, float *margin);
void predict_block_1(const float *row, int64_t rows, int derived, struct block_memory *memory, float *margin);
void predict_block_2(const float *row, int64_t rows, int derived, struct block_memory *memory, float *margin);

#endif
