#ifndef WALK_H
#define WALK_H

/* feature[FEATURE_COUNT] in; margin[OUTPUT_COUNT] out: the base, then every tree's leaf, in order. */
void walk_row(const float *feature, float *margin);

#endif
