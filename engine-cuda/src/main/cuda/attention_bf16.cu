// Attention over keys and values in bfloat16.
#include "tiled.cuh"

TILED_FOR_ALL(bf16, Bf16)
