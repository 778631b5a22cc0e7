package dev.kappa.cli;

import picocli.CommandLine.IVersionProvider;

/** Tells the version. */
final class Version implements IVersionProvider {

  @Override
  public String[] getVersion() {
    String version = Version.class.getPackage().getImplementationVersion();
    return new String[] {"kappa " + (version == null ? "development" : version)};
  }
}
