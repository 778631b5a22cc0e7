package dev.kappa.cuda.sim;

import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Kernels compute on the simulated device what they would on a real one. */
class SampleKernelsTest {

  private final Simulation simulation = new Simulation();

  @BeforeEach
  void open() {
    simulation.open();
  }

  @AfterEach
  void close() {
    simulation.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void scalesEveryValueOnce(boolean reverse) {
    order(reverse);
    float[] values = Gemm.values(1, 1000);
    CUdeviceptr in = simulation.floats(values);
    CUdeviceptr out = simulation.allocate(4L * values.length);
    run("scale", 4, 256, 0, in, out, Simulation.of(values.length), Simulation.of(3f));
    float[] result = simulation.read(out, values.length);
    for (int i = 0; i < values.length; i++) {
      assertThat(result[i]).isEqualTo(3f * values[i]);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void waitsAtBarriers(boolean reverse) {
    order(reverse);
    CUdeviceptr values = simulation.floats(ascending(1024));
    run("reverse", 4, 256, 0, values);
    float[] result = simulation.read(values, 1024);
    for (int i = 0; i < 1024; i++) {
      assertThat(result[i]).isEqualTo(i / 256 * 256 + 255 - i % 256);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sumsThroughWarpsAndSharedMemory(boolean reverse) {
    order(reverse);
    CUdeviceptr in = simulation.floats(ascending(3 * 100));
    CUdeviceptr out = simulation.allocate(4 * 3);
    run("rowSums", 3, 128, 16, in, out, Simulation.of(100));
    assertThat(simulation.read(out, 3)).containsExactly(4950, 14950, 24950);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void exchangesWithinWarps(boolean reverse) {
    order(reverse);
    CUdeviceptr out = simulation.allocate(4L * 192);
    run("warpOperations", 1, 32, 0, out);
    int[] found = new int[192];
    cuMemcpyDtoH(Pointer.to(found), out, 4L * 192);
    for (int lane = 0; lane < 32; lane++) {
      int group = lane / 8 * 8;
      assertThat(found[lane]).isEqualTo(10 * (lane ^ 3));
      assertThat(found[32 + lane]).isEqualTo(10 * (lane % 16 + 5 < 16 ? lane + 5 : lane));
      assertThat(found[64 + lane]).isEqualTo(10 * (lane - 2 >= group ? lane - 2 : lane));
      assertThat(found[96 + lane]).isEqualTo(10 * (group + 7));
      assertThat(found[128 + lane]).isEqualTo(lane % 2 == 1 ? 10 * (lane ^ 2) : 0x55550000);
      assertThat(found[160 + lane]).isEqualTo(lane < 20 ? 7 : -1);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void multipliesOnTensorCores(boolean reverse) {
    order(reverse);
    float[] a = smallIntegers(1, 16 * 16);
    float[] b = smallIntegers(2, 8 * 16);
    CUdeviceptr out = simulation.allocate(4L * 16 * 8);
    run("tensorTile", 1, 32, 0, shorts(a, true), shorts(b, true), out);
    assertThat(simulation.read(out, 16 * 8)).containsExactly(product(a, b, false));
    run("tensorTileTransposed", 1, 32, 0, shorts(a, false), shorts(b, false), out);
    assertThat(simulation.read(out, 16 * 8)).containsExactly(product(a, b, true));
  }

  /** As small integers, sums are exact in every order. */
  private static float[] smallIntegers(long seed, int count) {
    float[] values = Gemm.values(seed, count);
    for (int i = 0; i < count; i++) {
      values[i] = Math.round(4 * values[i]);
    }
    return values;
  }

  /** a[16][16] times b, which is [16][8] if {@code rowMajor}, else [8][16]. */
  private static float[] product(float[] a, float[] b, boolean rowMajor) {
    float[] out = new float[16 * 8];
    for (int i = 0; i < out.length; i++) {
      for (int k = 0; k < 16; k++) {
        out[i] += a[i / 8 * 16 + k] * (rowMajor ? b[k * 8 + i % 8] : b[i % 8 * 16 + k]);
      }
    }
    return out;
  }

  private CUdeviceptr shorts(float[] values, boolean bf16) {
    short[] narrow = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      narrow[i] =
          bf16
              ? (short) (Float.floatToRawIntBits(values[i]) >>> 16)
              : Float.floatToFloat16(values[i]);
    }
    CUdeviceptr made = simulation.allocate(2L * narrow.length);
    cuMemcpyHtoD(made, Pointer.to(narrow), 2L * narrow.length);
    return made;
  }

  @Test
  void roundsHalvesAsJavaDoes() {
    int count = 1 << 16;
    Random random = new Random(5);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      // Halves, points between two of them, and neighbours of both; then anything.
      float half = Float.float16ToFloat((short) random.nextInt());
      float next = Float.float16ToFloat((short) (Float.floatToFloat16(half) + 1));
      float between = random.nextBoolean() ? half : (half + next) / 2;
      values[i] =
          switch (random.nextInt(4)) {
            case 0 -> between;
            case 1 -> Math.nextUp(between);
            case 2 -> Math.nextDown(between);
            default -> Float.intBitsToFloat(random.nextInt());
          };
    }
    CUdeviceptr bf16 = simulation.allocate(2L * count);
    CUdeviceptr half = simulation.allocate(2L * count);
    run("narrow", count / 256, 256, 0, simulation.floats(values), bf16, half, Simulation.of(count));
    short[] halves = new short[count];
    short[] brains = new short[count];
    cuMemcpyDtoH(Pointer.to(halves), half, 2L * count);
    cuMemcpyDtoH(Pointer.to(brains), bf16, 2L * count);
    for (int i = 0; i < count; i++) {
      if (Float.isNaN(values[i])) {
        assertThat(halves[i]).isEqualTo((short) 0x7fff);
        assertThat(brains[i]).isEqualTo((short) 0x7fff);
      } else {
        assertThat(halves[i])
            .as("half of %s", values[i])
            .isEqualTo(Float.floatToFloat16(values[i]));
        assertThat(brains[i]).as("bf16 of %s", values[i]).isEqualTo(nearestBf16(values[i]));
      }
    }
  }

  /** By definition: of the two neighbours the nearer one, of equals the even one. */
  private static short nearestBf16(float value) {
    int low = Float.floatToRawIntBits(value) >>> 16;
    int rest = Float.floatToRawIntBits(value) & 0xffff;
    boolean up = rest > 0x8000 || (rest == 0x8000 && low % 2 == 1);
    return (short) (up ? low + 1 : low);
  }

  @Test
  void widensAllHalves() {
    int count = 1 << 16;
    short[] all = new short[count];
    for (int i = 0; i < count; i++) {
      all[i] = (short) i;
    }
    CUdeviceptr in = simulation.allocate(2L * count);
    cuMemcpyHtoD(in, Pointer.to(all), 2L * count);
    CUdeviceptr bf16 = simulation.allocate(4L * count);
    CUdeviceptr half = simulation.allocate(4L * count);
    run("widen", count / 256, 256, 0, in, bf16, half, Simulation.of(count));
    float[] halves = simulation.read(half, count);
    float[] brains = simulation.read(bf16, count);
    for (int i = 0; i < count; i++) {
      // As bits, where all NaNs are one.
      assertThat(Float.floatToIntBits(halves[i]))
          .isEqualTo(Float.floatToIntBits(Float.float16ToFloat(all[i])));
      assertThat(Float.floatToIntBits(brains[i]))
          .isEqualTo(Float.floatToIntBits(Float.intBitsToFloat(i << 16)));
    }
  }

  @Test
  void addsAtomically() {
    CUdeviceptr total = simulation.floats(0);
    CUdeviceptr sum = simulation.floats(0);
    run("countAll", 10, 100, 0, total, sum);
    int[] count = new int[1];
    cuMemcpyDtoH(Pointer.to(count), total, 4);
    assertThat(count[0]).isEqualTo(1000);
    assertThat(simulation.read(sum, 1)).containsExactly(500);
  }

  private void order(boolean reverse) {
    simulation.configure(SimulationControl.Setup.plain().withReverse(reverse));
  }

  private static float[] ascending(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = i;
    }
    return values;
  }

  /** Launches on the default stream; device addresses may be given as they are. */
  private void run(String kernel, int blocks, int threads, int sharedBytes, Pointer... arguments) {
    Pointer[] values = arguments.clone();
    for (int i = 0; i < values.length; i++) {
      if (values[i] instanceof CUdeviceptr address) {
        values[i] = Pointer.to(address);
      }
    }
    simulation.launch(kernel, blocks, threads, sharedBytes, null, values);
  }
}
