// Attention over keys and values in half precision; queries are converted to it, see toKv.
#include "tiled.cuh"

TILED_FOR_ALL(__half, F16)
