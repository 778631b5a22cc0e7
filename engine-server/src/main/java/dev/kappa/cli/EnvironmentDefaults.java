package dev.kappa.cli;

import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Gives every option a twin in the environment: {@code --max-model-len} is {@code
 * KAPPA_MAX_MODEL_LEN}. The command line wins.
 *
 * @param environment names to values
 */
record EnvironmentDefaults(Map<String, String> environment) implements IDefaultValueProvider {

  @Override
  public @Nullable String defaultValue(ArgSpec argument) {
    if (!(argument instanceof OptionSpec option) || option.usageHelp() || option.versionHelp()) {
      return null;
    }
    String value = environment.get(variable(option.longestName()));
    return value == null || value.isEmpty() ? null : value;
  }

  static String variable(String option) {
    return "KAPPA_"
        + option.replaceFirst("^--?(no-)?", "$1").replace('-', '_').toUpperCase(Locale.ROOT);
  }
}
