#ifndef WALK_H
#define WALK_H

/* In: feature[FEATURE_COUNT]. Out: margin[OUTPUT_COUNT], the base plus every tree's leaf, added in order. */
void walk_row(const float *feature, float *margin);

#endif
