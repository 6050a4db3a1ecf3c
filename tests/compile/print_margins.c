/* Prints the label and the margins of one row of measurements given as arguments; fails where a batch of that row
 * has other margins. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void library_shape(int32_t out[6]);
int32_t predict_one(const float *measurement, float *margin, float *value);
int32_t predict_rows(int32_t instruction_set, const float *measurement, int64_t rows, float *margin,
                     float *value, int32_t *label);

#define ROWS 300 /* more than two blocks */
static float rows[ROWS * 16], margins[ROWS * 16], values[ROWS * 16];
static int32_t labels[ROWS];

int main(int count, char **arguments) {
    int32_t shape[6];
    float measurement[16], margin[16], value[16];
    library_shape(shape);
    for (int i = 1; i < count; i++) measurement[i - 1] = strtof(arguments[i], NULL);
    printf("%d", predict_one(measurement, margin, value));
    for (int i = 0; i < shape[3]; i++) printf(" %a", margin[i]);
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < shape[1]; j++) rows[i * shape[1] + j] = measurement[j];
    if (predict_rows(0, rows, ROWS, margins, values, labels) != 0) return 1;
    for (int i = 0; i < ROWS * shape[3]; i++)
        if (margins[i] != margin[i % shape[3]]) return 2;
    return 0;
}
