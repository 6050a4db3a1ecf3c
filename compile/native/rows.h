/* Predicting a block of rows, for each instruction set: 0 is the baseline, 1 AVX2, 2 AVX-512. */
#ifndef ROWS_H
#define ROWS_H

#include <stdint.h>

#include "model.h"

#define MOST_ROWS 512 /* the largest block of any instruction set */

/* The working memory of one call, aligned to 64 bytes. Each instruction set uses the part that it needs. */
struct block_memory {
    float columns[WALKED_TREES ? 2 * FEATURE_COUNT + CATEGORY_COUNT : FEATURE_COUNT][MOST_ROWS];
    float sums[OUTPUT_COUNT][MOST_ROWS];
    uint8_t planes[PLANE_COUNT][MOST_ROWS / 8];
};

/* In: row[rows][derived ? FEATURE_COUNT : MEASUREMENT_COUNT]. Out: margin[rows][OUTPUT_COUNT]. `rows` is at most the
 * instruction set's block size. */
void predict_block_0(const float *row, int64_t rows, int derived, struct block_memory *memory, float *margin);
void predict_block_1(const float *row, int64_t rows, int derived, struct block_memory *memory, float *margin);
void predict_block_2(const float *row, int64_t rows, int derived, struct block_memory *memory, float *margin);

#endif
