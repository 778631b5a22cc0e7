// Bounded logits.
#include "kappa.cuh"

// values[row][i] = cap * tanh(values[row][i] / cap); blocks (row, part of its columns).
KAPPA_KERNEL(softcap)(float* values, int columns, float cap) {
  float* row = values + (size_t)blockIdx.x * columns;
  int step = (int)(gridDim.y * blockDim.x);
  for (int i = (int)(blockIdx.y * blockDim.x + threadIdx.x); i < columns; i += step) {
    row[i] = cap * tanhf(row[i] / cap);
  }
}
EXPORT_KERNEL(softcap)
