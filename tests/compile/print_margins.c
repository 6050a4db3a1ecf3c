/* Prints the label and the margins of one row of measurements given as arguments. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void library_shape(int32_t out[4]);
int32_t predict_one(const float *measurement, float *margin, float *probability);

int main(int count, char **arguments) {
    int32_t shape[4];
    float measurement[16], margin[16], probability[16];
    library_shape(shape);
    for (int i = 1; i < count; i++) measurement[i - 1] = strtof(arguments[i], NULL);
    printf("%d", predict_one(measurement, margin, probability));
    for (int i = 0; i < shape[3]; i++) printf(" %a", margin[i]);
    return 0;
}
