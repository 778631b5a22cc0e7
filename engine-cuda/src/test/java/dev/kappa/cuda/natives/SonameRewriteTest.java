package dev.kappa.cuda.natives;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SonameRewriteTest {

  private static final String OLD = "libcublas.so.12";
  private static final String NEW = "libcublas.so.13";

  @Test
  void exchangesNameAndHash() throws IOException {
    byte[] library = library("JCublas2");
    byte[] changed = SonameRewrite.apply(library, OLD, NEW);
    assertThat(changed).hasSameSizeAs(library).isNotEqualTo(library);
    assertThat(text(changed)).contains(NEW).doesNotContain(OLD);
    assertThat(SonameRewrite.apply(changed, NEW, OLD)).isEqualTo(library);
  }

  @Test
  void hashesAsTheSystemDoes() {
    // Numbers that readelf -V and objdump -p show in libraries: glibc's, and libcublas.so.12's.
    assertThat(SonameRewrite.hash("GLIBC_2.2.5")).isEqualTo(0x09691a75);
    assertThat(SonameRewrite.hash("GLIBC_2.17")).isEqualTo(0x06969197);
  }

  @Test
  void refusesWhatItCannotDo() throws IOException {
    byte[] library = library("JCublas2");
    assertThatThrownBy(() -> SonameRewrite.apply(library, OLD, "libcublas.so.9"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("length");
    byte[] other = library("JCudaDriver");
    assertThatThrownBy(() -> SonameRewrite.apply(other, OLD, NEW))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(OLD);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static byte[] library(String name) throws IOException {
    String resource = "/lib/lib%s-12.6.0-linux-x86_64.so".formatted(name);
    try (InputStream in = SonameRewriteTest.class.getResourceAsStream(resource)) {
      assertThat(in).as(resource).isNotNull();
      return in.readAllBytes();
    }
  }
}
