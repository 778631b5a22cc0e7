// Picking rows: embeddings by token, wanted rows by index.
#include "kappa.cuh"
#include "values.cuh"

// 16 bytes at a time where rows are made of such pieces.
__device__ __forceinline__ void copyRow(const bf16* from, bf16* to, int columns) {
  if (columns % 8 == 0) {
    const uint4* in = (const uint4*)from;
    uint4* out = (uint4*)to;
    for (int i = (int)threadIdx.x; i < columns / 8; i += (int)blockDim.x) out[i] = in[i];
  } else {
    for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) to[i] = from[i];
  }
}

// out[row] = table[indices[row]]; one block per row. Both lookups of the forward pass are this.
KAPPA_KERNEL(pickRows)(const bf16* table, const int* indices, bf16* out, int columns) {
  size_t from = (size_t)indices[blockIdx.x] * columns;
  copyRow(table + from, out + (size_t)blockIdx.x * columns, columns);
}
EXPORT_KERNEL(pickRows)

// out[row] = table[indices[row]] * scale; one block per row.
KAPPA_KERNEL(pickScaledRows)(const bf16* table, const int* indices, bf16* out, int columns,
                             float scale) {
  const bf16* from = table + (size_t)indices[blockIdx.x] * columns;
  bf16* to = out + (size_t)blockIdx.x * columns;
  for (int i = (int)threadIdx.x; i < columns; i += (int)blockDim.x) {
    put(to + i, toFloat(from[i]) * scale);
  }
}
EXPORT_KERNEL(pickScaledRows)
