package dev.kappa.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.kappa.engine.EngineOptions;
import dev.kappa.kv.RestoreMode;
import dev.kappa.kv.StorePolicy;
import dev.kappa.schedule.SchedulePolicy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class ModelFlagsTest {

  @Command
  private static final class Holder {
    @Mixin private ModelFlags flags = new ModelFlags();
  }

  private static ModelFlags parse(String... arguments) {
    Holder holder = new Holder();
    new CommandLine(holder).parseArgs(arguments);
    return holder.flags;
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "8, 8589934592", "0.5, 536870912", "0.0000000001, 1"})
  void takeHostMemoryInGib(String gib, long bytes) {
    assertThat(
            parse("m", "--kv-offloading-size", gib)
                .engineOptions(EngineOptions.AUTO_HOST)
                .build()
                .hostBytes())
        .isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--max-model-len",
        "--block-size",
        "--num-gpu-blocks-override",
        "--max-num-seqs",
        "--max-num-batched-tokens",
        "--threads"
      })
  void zeroIsTheDefaultAndHelpSaysSo(String option) {
    ModelFlags zero = parse("m", option, "0");
    assertThat(zero.engineOptions(0).build()).isEqualTo(parse("m").engineOptions(0).build());
    assertThat(zero.device().threads()).isEqualTo(parse("m").device().threads());
    assertThat(new CommandLine(new Holder()).getCommandSpec().findOption(option).description())
        .singleElement()
        .asString()
        .contains("(default: 0, ");
  }

  @Test
  void leaveHostMemoryToTheEngine() {
    EngineOptions options = parse("m").engineOptions(EngineOptions.AUTO_HOST).build();
    assertThat(options.hostBytes()).isEqualTo(EngineOptions.AUTO_HOST);
    assertThat(options.storePolicy()).isEqualTo(StorePolicy.ADAPTIVE);
    assertThat(options.restore()).isEqualTo(RestoreMode.AUTO);
    assertThat(options.schedule()).isEqualTo(SchedulePolicy.KAPPA);
    assertThat(options.checkKv()).isFalse();
    assertThat(parse("m").device().linkBandwidth()).isZero();
  }

  @Test
  void takeAShareOfTheDeviceMemory() {
    assertThat(parse("m").engineOptions(EngineOptions.AUTO_HOST).build().memoryUtilization())
        .isZero();
    ModelFlags half = parse("m", "--gpu-memory-utilization=0.5");
    assertThat(half.engineOptions(EngineOptions.AUTO_HOST).build().memoryUtilization())
        .isEqualTo(0.5);
    for (String wrong : new String[] {"0", "1.01", "NaN"}) {
      ModelFlags flags = parse("m", "--gpu-memory-utilization", wrong);
      assertThatThrownBy(() -> flags.engineOptions(EngineOptions.AUTO_HOST))
          .hasMessageContaining("at most 1");
    }
  }

  @Test
  void passOffloadingOn() {
    ModelFlags flags =
        parse(
            "m",
            "--kv-store-policy=write-back",
            "--restore=load-whole",
            "--schedule=fcfs",
            "--check-kv",
            "--link-bandwidth=0.05GB/s");
    EngineOptions options = flags.engineOptions(EngineOptions.AUTO_HOST).build();
    assertThat(options.storePolicy()).isEqualTo(StorePolicy.WRITE_BACK);
    assertThat(options.restore()).isEqualTo(RestoreMode.LOAD_WHOLE);
    assertThat(options.schedule()).isEqualTo(SchedulePolicy.FCFS);
    assertThat(options.checkKv()).isTrue();
    assertThat(flags.device().linkBandwidth()).isEqualTo(50_000_000);
  }
}
