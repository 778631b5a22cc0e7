package dev.kappa.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** What may depend on what. */
@AnalyzeClasses(
    packages = {"dev.kappa.server", "dev.kappa.cli"},
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule SERVER_KNOWS_NO_DEVICE =
      noClasses()
          .that()
          .resideInAnyPackage("dev.kappa.server..", "dev.kappa.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.kappa.device.cpu..", "dev.kappa.cuda..");

  @ArchTest
  static final ArchRule SERVER_KNOWS_NO_COMMAND_LINE =
      noClasses()
          .that()
          .resideInAPackage("dev.kappa.server..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("dev.kappa.cli..", "picocli..");

  @ArchTest
  static final ArchRule ONLY_HTTP_KNOWS_NETTY =
      noClasses()
          .that()
          .resideInAnyPackage("dev.kappa.server..", "dev.kappa.cli..")
          .and()
          .resideOutsideOfPackage("dev.kappa.server.http")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.netty.channel..", "io.netty.buffer..", "io.netty.bootstrap..");

  @ArchTest
  static final ArchRule HTTP_KNOWS_NO_MODELS =
      noClasses()
          .that()
          .resideInAPackage("dev.kappa.server.http")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.kappa.engine..",
              "dev.kappa.model..",
              "dev.kappa.server.openai..",
              "dev.kappa.server.backend..");

  @ArchTest
  static final ArchRule PACKAGES_FORM_NO_CYCLES =
      slices().matching("dev.kappa.(**)").should().beFreeOfCycles();
}
