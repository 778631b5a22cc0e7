// A stand-in for libcublas: the matrix products that Kappa calls, on the simulated device. As in
// the real one, the order of summation depends on the shape: a row's bits change with the rows
// beside it, unless the caller keeps to one class of shapes.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <vector>

#include "narrow_floats.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

// Of the simulated driver.
extern "C" int cuCtxGetCurrent(void** context);
extern "C" int kappaSimEnqueue(void* stream, int (*function)(void*), void* data);
extern "C" int kappaSimReachable(const void* address, size_t bytes);

namespace {

enum Status {
  SUCCESS = 0,
  NOT_INITIALIZED = 1,
  INVALID_VALUE = 7,
  EXECUTION_FAILED = 13,
  NOT_SUPPORTED = 15,
};
enum DataType { FLOAT32 = 0, FLOAT16 = 2, BFLOAT16 = 14 };
constexpr int ILLEGAL_ADDRESS = 700;  // CUDA_ERROR_ILLEGAL_ADDRESS

struct Handle {
  void* stream = nullptr;
  int mathMode = 0;
  int pointerMode = 0;
  int atomicsMode = 0;
};

bool isType(int type) { return type == FLOAT32 || type == FLOAT16 || type == BFLOAT16; }
size_t bytesOf(int type) { return type == FLOAT32 ? 4 : 2; }

// CUBLAS_COMPUTE_32F, _PEDANTIC, _FAST_16F, _FAST_16BF, _FAST_TF32
bool isCompute(int type) {
  return type == 68 || type == 69 || type == 74 || type == 75 || type == 77;
}

float load(const char* values, int type, size_t index) {
  if (type == FLOAT32) return ((const float*)values)[index];
  uint16_t bits = ((const uint16_t*)values)[index];
  return type == BFLOAT16 ? onhost::bf16Value(bits) : onhost::halfValue(bits);
}

void store(char* values, int type, size_t index, float value) {
  if (type == FLOAT32) {
    ((float*)values)[index] = value;
  } else {
    ((uint16_t*)values)[index] =
        type == BFLOAT16 ? onhost::bf16Bits(value) : onhost::halfBits(value);
  }
}

// Column-major, as all of BLAS.
struct Matrix {
  const void* start;
  int type;
  int64_t leading;
  int64_t stride;  // from one of a batch to the next
  bool transposed;

  size_t extent(int64_t rows, int64_t columns, int64_t batch) const {
    if (transposed) std::swap(rows, columns);
    if (rows == 0 || columns == 0) return 0;
    return (size_t)((batch - 1) * stride + (columns - 1) * leading + rows) * bytesOf(type);
  }

  char* item(int64_t index) const { return (char*)start + index * stride * (int64_t)bytesOf(type); }

  // [rows][columns], row by row.
  std::vector<float> read(int64_t index, int64_t rows, int64_t columns) const {
    std::vector<float> values((size_t)(rows * columns));
    for (int64_t r = 0; r < rows; r++) {
      for (int64_t c = 0; c < columns; c++) {
        values[r * columns + c] =
            load(item(index), type, transposed ? r * leading + c : c * leading + r);
      }
    }
    return values;
  }
};

int splitsOf(int64_t extent) { return extent <= 16 ? 4 : extent <= 64 ? 2 : 1; }

struct Product {
  Matrix a, b, c;
  int64_t m, n, k, batch;
  float alpha, beta;

  bool reachable() const {
    return kappaSimReachable(a.start, a.extent(m, k, batch)) &&
           kappaSimReachable(b.start, b.extent(k, n, batch)) &&
           kappaSimReachable(c.start, c.extent(m, n, batch));
  }

  // K is cut into parts that are summed on their own, then together. All rows at once, which a
  // compiler makes vectors of; each row's sum keeps its order.
  void sum(const float* rows, const float* column, int64_t splits, float* total) const {
    std::vector<float> part((size_t)m);
    std::fill(total, total + m, 0.0f);
    for (int64_t s = 0; s < splits; s++) {
      std::fill(part.begin(), part.end(), 0.0f);
      for (int64_t i = k * s / splits; i < k * (s + 1) / splits; i++) {
        addScaled(part.data(), rows + i * m, column[i]);
      }
      addScaled(total, part.data(), 1.0f);
    }
  }

  void addScaled(float* __restrict to, const float* __restrict values, float factor) const {
    for (int64_t row = 0; row < m; row++) to[row] += values[row] * factor;
  }

  void multiply(int64_t index) const {
    int64_t splits = splitsOf(m) * splitsOf(n);
    Matrix rowsOfA = a, columnsOfB = b;
    rowsOfA.transposed = !a.transposed;
    columnsOfB.transposed = !b.transposed;
    std::vector<float> rows = rowsOfA.read(index, k, m);  // [k][m]
    std::vector<float> columns = columnsOfB.read(index, n, k);
    std::vector<float> sums((size_t)m);
    char* out = c.item(index);
    for (int64_t column = 0; column < n; column++) {
      sum(rows.data(), &columns[column * k], splits, sums.data());
      for (int64_t row = 0; row < m; row++) {
        float value = alpha * sums[row];
        size_t at = column * c.leading + row;
        if (beta != 0) value += beta * load(out, c.type, at);
        store(out, c.type, at, value);
      }
    }
  }

  static int run(void* data) {
    auto* product = (Product*)data;
    int result = product->reachable() ? 0 : ILLEGAL_ADDRESS;
    if (result != 0) fprintf(stderr, "[simulated cuBLAS] an operand leaves its memory\n");
    for (int64_t i = 0; result == 0 && i < product->batch; i++) product->multiply(i);
    delete product;
    return result;
  }
};

int submit(Handle* handle, const Product& product, int computeType) {
  if (handle == nullptr) return NOT_INITIALIZED;
  const Product& p = product;
  if (p.m < 0 || p.n < 0 || p.k < 0 || p.batch < 0 ||
      p.a.leading < std::max<int64_t>(1, p.a.transposed ? p.k : p.m) ||
      p.b.leading < std::max<int64_t>(1, p.b.transposed ? p.n : p.k) ||
      p.c.leading < std::max<int64_t>(1, p.m)) {
    return INVALID_VALUE;
  }
  bool types = isType(p.a.type) && p.a.type == p.b.type && isType(p.c.type) &&
               (p.c.type == FLOAT32 || p.c.type == p.a.type);
  if (!types || !isCompute(computeType) || handle->pointerMode != 0) return NOT_SUPPORTED;
  if (p.m == 0 || p.n == 0 || p.batch == 0) return SUCCESS;
  auto* kept = new Product(product);
  if (kappaSimEnqueue(handle->stream, Product::run, kept) == 0) return SUCCESS;
  delete kept;
  return EXECUTION_FAILED;
}

}  // namespace

EXPORTED int kappaSimUnsupportedBlas(const char* function) {
  fprintf(stderr, "[simulated cuBLAS] %s is not simulated\n", function);
  return NOT_SUPPORTED;
}

EXPORTED int cublasCreate_v2(Handle** handle) {
  void* context = nullptr;
  if (cuCtxGetCurrent(&context) != 0 || context == nullptr) return NOT_INITIALIZED;
  *handle = new Handle();
  return SUCCESS;
}

EXPORTED int cublasDestroy_v2(Handle* handle) {
  if (handle == nullptr) return NOT_INITIALIZED;
  delete handle;
  return SUCCESS;
}

EXPORTED int cublasGetVersion_v2(Handle*, int* version) {
  *version = CUBLAS_MAJOR * 10000 + 600;
  return SUCCESS;
}

EXPORTED int cublasSetStream_v2(Handle* handle, void* stream) {
  handle->stream = stream;
  return SUCCESS;
}

EXPORTED int cublasGetStream_v2(Handle* handle, void** stream) {
  *stream = handle->stream;
  return SUCCESS;
}

EXPORTED int cublasSetWorkspace_v2(Handle*, void* workspace, size_t bytes) {
  bool valid =
      bytes == 0 || ((uintptr_t)workspace % 256 == 0 && kappaSimReachable(workspace, bytes));
  return valid ? SUCCESS : INVALID_VALUE;
}

EXPORTED int cublasSetMathMode(Handle* handle, int mode) {
  handle->mathMode = mode;
  return SUCCESS;
}

EXPORTED int cublasGetMathMode(Handle* handle, int* mode) {
  *mode = handle->mathMode;
  return SUCCESS;
}

EXPORTED int cublasSetAtomicsMode(Handle* handle, int mode) {
  handle->atomicsMode = mode;
  return SUCCESS;
}

EXPORTED int cublasGetAtomicsMode(Handle* handle, int* mode) {
  *mode = handle->atomicsMode;
  return SUCCESS;
}

EXPORTED int cublasSetPointerMode_v2(Handle* handle, int mode) {
  handle->pointerMode = mode;
  return SUCCESS;
}

EXPORTED int cublasGemmStridedBatchedEx(Handle* handle, int transA, int transB, int m, int n, int k,
                                        const void* alpha, const void* a, int typeA, int leadingA,
                                        long long strideA, const void* b, int typeB, int leadingB,
                                        long long strideB, const void* beta, void* c, int typeC,
                                        int leadingC, long long strideC, int batch,
                                        int computeType, int) {
  if (alpha == nullptr || beta == nullptr) return INVALID_VALUE;
  return submit(handle,
                {{a, typeA, leadingA, strideA, transA != 0},
                 {b, typeB, leadingB, strideB, transB != 0},
                 {c, typeC, leadingC, strideC, false},
                 m, n, k, batch, *(const float*)alpha, *(const float*)beta},
                computeType);
}

EXPORTED int cublasGemmEx(Handle* handle, int transA, int transB, int m, int n, int k,
                          const void* alpha, const void* a, int typeA, int leadingA, const void* b,
                          int typeB, int leadingB, const void* beta, void* c, int typeC,
                          int leadingC, int computeType, int algorithm) {
  return cublasGemmStridedBatchedEx(handle, transA, transB, m, n, k, alpha, a, typeA, leadingA, 0,
                                    b, typeB, leadingB, 0, beta, c, typeC, leadingC, 0, 1,
                                    computeType, algorithm);
}
