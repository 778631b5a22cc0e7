package dev.kappa.device.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;

class VectorInliningTest {

  @Test
  void theCompilerHasTheDirective() throws JMException {
    VectorInlining.improve();
    VectorInlining.improve();
    String directives =
        String.valueOf(
            ManagementFactory.getPlatformMBeanServer()
                .invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"),
                    "compilerDirectivesPrint",
                    new Object[0],
                    new String[0]));
    assertThat(directives)
        .containsOnlyOnce("matching: dev/kappa/device/cpu/TileKernel.*")
        .contains("IncrementalInlineForceCleanup:true");
  }
}
