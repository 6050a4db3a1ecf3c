/* Rows that come as columns, as data frames and Arrow's record batches are: a chunk of rows is rounded to float32 and
 * transposed, and the kernels for rows answer it while it is in the cache. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "library.h"
#include "model.h"

#define CHUNK_VALUES 16384 /* float32 values of one chunk: 64 KiB */
#define LEAST_ROWS 512     /* of a chunk: the largest block of any instruction set */
#define CHUNK_ROWS (CHUNK_VALUES / MEASUREMENT_COUNT > LEAST_ROWS ? CHUNK_VALUES / MEASUREMENT_COUNT : LEAST_ROWS)
#define ALL_WHOLE 9007199254740992.0 /* 2^53: from here on, every double is a whole number */

static inline int is_whole(double number) {
    return fabs(number) >= ALL_WHOLE || (double)(int64_t)number == number;
}

/* Whether a number may not be sent. A NaN is in no bounds. */
static inline int is_faulty(const struct input_column *column, double number) {
    if (number != number) return !(column->flags & INPUT_UNSEEN);
    const int outside = !((number >= column->low) & (number <= column->high));
    return outside || (column->flags & INPUT_WHOLE && !is_whole(number));
}

/* Put rows first ... first + rows - 1 of a column into place `to` of each row of a chunk, and mark faulty rows. */
static void transpose(const struct input_column *column, int64_t first, int64_t rows, float *to, uint8_t *faulty) {
    const uint8_t *valid = column->valid;
    const int refused = !(column->flags & INPUT_MISSING);
    for (int64_t i = 0; i < rows; i++) {
        const int64_t at = column->offset + first + i;
        double number;
        memcpy(&number, (const char *)column->value + at * sizeof number, sizeof number); /* it need not be aligned */
        const int given = !valid || (valid[at >> 3] >> (at & 7) & 1);
        to[i * MEASUREMENT_COUNT] = given ? (float)number : NAN;
        faulty[i] |= (uint8_t)(given ? is_faulty(column, number) : refused);
    }
}

int32_t predict_columns(int32_t instruction_set, const struct input_column *column, int64_t rows, float *margin,
                        float *value, int32_t *label, float *distance, int32_t *inside, uint8_t *set,
                        uint8_t *faulty) {
    const int64_t most = rows < CHUNK_ROWS ? rows : CHUNK_ROWS;
    float *chunk = malloc((most ? most : 1) * MEASUREMENT_COUNT * sizeof *chunk);
    if (!chunk) return -1;
    memset(faulty, 0, rows);
    int32_t failed = 0;
    for (int64_t done = 0; done < rows && !failed; done += most) {
        const int64_t count = rows - done < most ? rows - done : most;
        for (int i = 0; i < MEASUREMENT_COUNT; i++) transpose(column + i, done, count, chunk + i, faulty + done);
        float *values = value + done * VALUE_COUNT;
        failed = predict_rows(instruction_set, chunk, count, margin + done * OUTPUT_COUNT, values, label + done);
        if (!failed) judge_rows(chunk, values, count, distance + done, inside + done, set + done * VALUE_COUNT);
    }
    free(chunk);
    return failed;
}
