package dev.kappa.device.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.device.host.Pages;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorMathTest {

  private static final int COUNT = 64;

  private final Random random = new Random(7);

  @Test
  void raisesTwoToWithinTwoUlps() {
    for (int i = 0; i < 200_000; i++) {
      float x = -126 * random.nextFloat() * random.nextFloat();
      float found = VectorMath.exp2OfNegative(x);
      double exact = Math.pow(2, x);
      assertThat(Math.abs(found - exact)).as("2^%s", x).isLessThanOrEqualTo(2 * ulp(exact));
    }
    assertThat(VectorMath.exp2OfNegative(0f)).isEqualTo(1f);
    assertThat(VectorMath.exp2OfNegative(-127f)).isZero();
    assertThat(VectorMath.exp2OfNegative(Float.NEGATIVE_INFINITY)).isZero();
    assertThat(VectorMath.exp2OfNegative(Float.NaN)).isNaN();
  }

  @Test
  void raisesTwoInVectorsWithTheBitsOfOne() {
    float[] copy = new float[COUNT];
    try (Pages pages = Pages.allocate(4 * COUNT)) {
      for (int round = 0; round < 5_000; round++) {
        float[] values = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
          values[i] = 3 - 140 * random.nextFloat() * random.nextFloat();
          Raw.putFloat(pages.address() + 4L * i, values[i]);
        }
        VectorMath.exp2(pages.address(), COUNT, 3f, copy, 0);
        for (int i = 0; i < COUNT; i++) {
          assertThat(copy[i]).isEqualTo(VectorMath.exp2OfNegative(values[i] - 3f));
          assertThat(Raw.getFloat(pages.address() + 4L * i)).isEqualTo(copy[i]);
        }
      }
    }
  }

  @Test
  void raisesEToWithinTwoUlps() {
    for (int i = 0; i < 200_000; i++) {
      float x = 87 * (2 * random.nextFloat() - 1) * random.nextFloat();
      float found = VectorMath.exp(FloatVector.broadcast(Lanes.FLOATS, x)).lane(0);
      assertThat(VectorMath.exp(x)).as("e^%s alone", x).isEqualTo(found);
      double exact = Math.exp(x);
      assertThat(Math.abs(found - exact)).as("e^%s", x).isLessThanOrEqualTo(2 * ulp(exact));
    }
    assertThat(VectorMath.exp(FloatVector.broadcast(Lanes.FLOATS, 100f)).lane(0)).isInfinite();
    assertThat(VectorMath.exp(FloatVector.broadcast(Lanes.FLOATS, -100f)).lane(0)).isZero();
  }

  @Test
  void raisesEAloneAtTheBoundsAsInVectors() {
    float[] bounds = {0f, -0f, 88.37f, 88.38f, -87.33f, -87.34f, 1e30f, -1e30f, Float.NaN};
    for (float x : bounds) {
      float found = VectorMath.exp(FloatVector.broadcast(Lanes.FLOATS, x)).lane(0);
      assertThat(Float.compare(VectorMath.exp(x), found)).as("e^%s", x).isZero();
    }
  }

  @Test
  void takesHyperbolicTangentsToWithinFourUlps() {
    for (int i = 0; i < 200_000; i++) {
      float x = 12 * (2 * random.nextFloat() - 1) * random.nextFloat() * random.nextFloat();
      float found = VectorMath.tanh(FloatVector.broadcast(Lanes.FLOATS, x)).lane(0);
      double exact = Math.tanh(x);
      assertThat(Math.abs(found - exact)).as("tanh %s", x).isLessThanOrEqualTo(4 * ulp(exact));
    }
    for (float x : new float[] {0f, Float.MIN_VALUE, 1e-20f, -1e30f, Float.NaN}) {
      float found = VectorMath.tanh(FloatVector.broadcast(Lanes.FLOATS, x)).lane(0);
      assertThat(Float.compare(found, (float) Math.tanh(x))).as("tanh %s", x).isZero();
    }
  }

  private static double ulp(double value) {
    return Math.ulp((float) value);
  }
}
