/* What this machine's products reach for the shapes of a model, measured without the model. */
#ifndef RLAIF_STAGE_SPEED_H
#define RLAIF_STAGE_SPEED_H

#include "model/config.h"

/* One product, y [rows][n] = x [rows][k] W^T. */
typedef struct Product {
    int n, k;
    int times;      /* that a layer has it */
    double seconds; /* of one, once it is measured; `backward`: and of its two gradients */
} Product;

/* Those of a layer, and of a piece of the head. */
enum { PRODUCTS = 6 };
void speed_products(Product out[PRODUCTS], const ModelConfig *c);

/* Measures one for so many rows. */
bool speed_measure(Product *p, Device *d, int rows, bool backward, Err *err) MUST_CHECK;

/* Operations a second that a layer's products reach for `rows` rows, or for fewer where so many would take long. */
bool speed_of_layers(double *flops, Device *d, const ModelConfig *c, int rows, bool backward, Err *err) MUST_CHECK;

#endif
