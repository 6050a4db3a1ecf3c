/* Predicting one row or a few, for each form: 0 is portable, 1 AVX2, 2 AVX-512 with VBMI. */
#ifndef RANKS_H
#define RANKS_H

#include <stdint.h>

#define RANKED_TOGETHER 16 /* the most rows of one call: their ranks stay in the processor's nearest cache */

/* In: row[rows][FEATURE_COUNT], aligned as floats are. Out: margin[rows][OUTPUT_COUNT]. */
void rank_rows_0(const float *row, int64_t rows, float *margin);
void rank_rows_1(const float *row, int64_t rows, float *margin);
void rank_rows_2(const float *row, int64_t rows, float *margin);

#endif
