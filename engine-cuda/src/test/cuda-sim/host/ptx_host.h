// Host twins of ptx.cuh, with the exact distribution of matrix fragments over lanes (PTX ISA,
// "Matrix Fragments for mma.m16n8k16" and "ldmatrix").
#pragma once

namespace onhost {

inline void deferCopy(void* target, const void* source, int bytes, int available) {
  if (((uintptr_t)target | (uintptr_t)source) % (size_t)bytes != 0) fail("cp.async: misaligned");
  thread().openCopies.push_back({target, available > 0 ? source : nullptr, bytes});
}

inline void commitCopies() {
  Thread& t = thread();
  t.copyGroups.push_back(std::move(t.openCopies));
  t.openCopies.clear();
}

inline void performCopies(size_t groupsLeft) {
  auto& groups = thread().copyGroups;
  while (groups.size() > groupsLeft) {
    for (const DeferredCopy& c : groups.front()) {
      if (c.source != nullptr) {
        memcpy(c.target, c.source, (size_t)c.bytes);
      } else {
        memset(c.target, 0, (size_t)c.bytes);
      }
    }
    groups.erase(groups.begin());
  }
}

struct MmaOperands {
  float* c;
  const uint32_t* a;
  const uint32_t* b;
};

template <float (*Value)(uint16_t)>
void multiplyAll(void** arguments, unsigned lanes) {
  if (lanes != ~0u) fail("mma: not all lanes take part");
  float a[16][16];
  alignas(32) float b[16][8];
  for (int l = 0; l < 32; l++) {
    const auto* m = (MmaOperands*)arguments[l];
    int group = l / 4, pair = l % 4 * 2;
    for (int half = 0; half < 2; half++) {
      auto part = [half](uint32_t word) { return Value((uint16_t)(word >> (16 * half))); };
      a[group][pair + half] = part(m->a[0]);
      a[group + 8][pair + half] = part(m->a[1]);
      a[group][pair + 8 + half] = part(m->a[2]);
      a[group + 8][pair + 8 + half] = part(m->a[3]);
      b[pair + half][group] = part(m->b[0]);
      b[pair + 8 + half][group] = part(m->b[1]);
    }
  }
  // A row of the product at a time: this is most of what tests of attention do.
  using Row = float __attribute__((vector_size(32)));
  for (int row = 0; row < 16; row++) {
    Row sum = {};
    for (int k = 0; k < 16; k++) sum += a[row][k] * *(const Row*)b[k];
    for (int column = 0; column < 8; column++) {
      auto* m = (MmaOperands*)arguments[row % 8 * 4 + column / 2];
      m->c[row / 8 * 2 + column % 2] += sum[column];
    }
  }
}

struct MatrixLoad {
  const void* row;
  uint32_t* registers;
};

// Lane i brings the address of row i % 8 of matrix i / 8.
template <int Matrices, bool Transposed>
void loadAll(void** arguments, unsigned lanes) {
  if (lanes != ~0u) fail("ldmatrix: not all lanes take part");
  for (int matrix = 0; matrix < Matrices; matrix++) {
    uint16_t cells[8][8];
    for (int row = 0; row < 8; row++) {
      const void* from = ((MatrixLoad*)arguments[matrix * 8 + row])->row;
      if ((uintptr_t)from % 16 != 0) fail("ldmatrix: misaligned row");
      memcpy(cells[row], from, sizeof cells[row]);
    }
    for (int l = 0; l < 32; l++) {
      int major = l / 4, minor = l % 4 * 2;
      uint16_t low = Transposed ? cells[minor][major] : cells[major][minor];
      uint16_t high = Transposed ? cells[minor + 1][major] : cells[major][minor + 1];
      ((MatrixLoad*)arguments[l])->registers[matrix] = low | (uint32_t)high << 16;
    }
  }
}

template <int Matrices, bool Transposed>
void loadMatrices(uint32_t* registers, const void* row) {
  MatrixLoad own{row, registers};
  waitForWarp(~0u, &own, loadAll<Matrices, Transposed>);
}

}  // namespace onhost

inline void copyAsync16(void* shared, const void* global) {
  onhost::deferCopy(shared, global, 16, 16);
}
inline void copyAsync16OrZero(void* shared, const void* global, bool present) {
  onhost::deferCopy(shared, global, 16, present ? 16 : 0);
}
inline void commitAsyncCopies() { onhost::commitCopies(); }
template <int GroupsLeft>
void awaitAsyncCopies() {
  onhost::performCopies(GroupsLeft);
}
inline void mmaBf16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  onhost::MmaOperands own{c, a, b};
  onhost::waitForWarp(~0u, &own, onhost::multiplyAll<onhost::bf16Value>);
}
inline void mmaF16(float (&c)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  onhost::MmaOperands own{c, a, b};
  onhost::waitForWarp(~0u, &own, onhost::multiplyAll<onhost::halfValue>);
}
inline void loadMatrix4(uint32_t (&registers)[4], const void* sharedRow) {
  onhost::loadMatrices<4, false>(registers, sharedRow);
}
inline void loadMatrix4Transposed(uint32_t (&registers)[4], const void* sharedRow) {
  onhost::loadMatrices<4, true>(registers, sharedRow);
}
inline void loadMatrix2(uint32_t (&registers)[2], const void* sharedRow) {
  onhost::loadMatrices<2, false>(registers, sharedRow);
}
inline void loadMatrix2Transposed(uint32_t (&registers)[2], const void* sharedRow) {
  onhost::loadMatrices<2, true>(registers, sharedRow);
}
inline int anew(int value) { return value; }
inline float exp2Approx(float x) { return exp2f(x); }
