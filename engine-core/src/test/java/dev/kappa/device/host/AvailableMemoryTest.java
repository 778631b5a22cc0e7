package dev.kappa.device.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AvailableMemoryTest {

  @TempDir private Path root;
  private AvailableMemory memory;

  @BeforeEach
  void describeMachine() throws IOException {
    memory = new AvailableMemory(root.resolve("proc"), root.resolve("cgroup"));
    write("proc/meminfo", "MemTotal: 9000 kB\nMemFree:  100 kB\nMemAvailable:    8000 kB\n");
  }

  private void write(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private void writeV2(String group, String max, long current, long inactive) throws IOException {
    write("cgroup/" + group + "memory.max", max + "\n");
    write("cgroup/" + group + "memory.current", current + "\n");
    write(
        "cgroup/" + group + "memory.stat",
        "anon 7\ninactive_file_huge 999\ninactive_file " + inactive + "\nactive_file 5\n");
  }

  private void writeV1(String group, long limit, long usage, long inactive) throws IOException {
    write("cgroup/memory/" + group + "memory.limit_in_bytes", limit + "\n");
    write("cgroup/memory/" + group + "memory.usage_in_bytes", usage + "\n");
    write(
        "cgroup/memory/" + group + "memory.stat",
        "inactive_file 1\ntotal_inactive_file " + inactive + "\n");
  }

  @Test
  void isWhatTheMachineHasWithoutGroups() {
    assertThat(memory.bytes()).isEqualTo(8000 * 1024);
  }

  @Test
  void isWhatTheProcessesGroupAllows() throws IOException {
    write("proc/self/cgroup", "0::/a.slice/b\n");
    writeV2("a.slice/b/", "100000", 30000, 2000);
    writeV2("a.slice/", "max", 90000, 0);
    assertThat(memory.bytes()).isEqualTo(72000);
  }

  @Test
  void isTheLeastThatAnyGroupAboveAllows() throws IOException {
    write("proc/self/cgroup", "0::/a.slice/b/c\n");
    writeV2("a.slice/b/c/", "100000", 30000, 0);
    writeV2("a.slice/", "200000", 190000, 500);
    assertThat(memory.bytes()).isEqualTo(10500);
    writeV2("", "300000", 299999, 0);
    assertThat(memory.bytes()).as("the root of a container").isEqualTo(1);
  }

  @Test
  void isWhatAContainerAllowsWhosePathIsTheHosts() throws IOException {
    writeV2("", "50000", 10000, 0);
    for (String path : new String[] {"/docker/0123", "/../../system.slice", "/"}) {
      write("proc/self/cgroup", "0::" + path + "\n");
      assertThat(memory.bytes()).as(path).isEqualTo(40000);
    }
  }

  @Test
  void isWhatAGroupOfVersionOneAllows() throws IOException {
    write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/x/y\n3:cpuset:/z\n0::/\n");
    writeV1("", 9223372036854771712L, 123, 0);
    assertThat(memory.bytes()).isEqualTo(8000 * 1024);
    writeV1("x/y/", 60000, 50000, 7000);
    assertThat(memory.bytes()).isEqualTo(17000);
  }

  @Test
  void isNothingWhereAGroupIsFull() throws IOException {
    write("proc/self/cgroup", "0::/full\n");
    writeV2("full/", "1000", 1500, 0);
    assertThat(memory.bytes()).isZero();
  }

  @Test
  void isUnlimitedByWhatCannotBeRead() throws IOException {
    write("proc/self/cgroup", "nonsense\n0::/a\n4:memory:/a\n");
    write("cgroup/a/memory.max", "");
    write("cgroup/a/memory.current", "12\n");
    write("cgroup/memory/a/memory.limit_in_bytes", "what?\n");
    assertThat(memory.bytes()).isEqualTo(8000 * 1024);
    Files.delete(root.resolve("proc/meminfo"));
    assertThat(memory.bytes()).isEqualTo(Long.MAX_VALUE);
  }
}
