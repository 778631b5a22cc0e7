package dev.kappa;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/**
 * Dependencies point one way: plan → engine → {schedule, kv, model, sample} → device; text and
 * roofline stand alone; grammar knows sample and text. Only the planner knows the virtual device.
 */
@AnalyzeClasses(packages = "dev.kappa", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

  @ArchTest
  static final ArchRule layers =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("plan")
          .definedBy("dev.kappa.plan")
          .layer("engine")
          .definedBy("dev.kappa.engine")
          .layer("schedule")
          .definedBy("dev.kappa.schedule")
          .layer("kv")
          .definedBy("dev.kappa.kv..")
          .layer("model")
          .definedBy("dev.kappa.model")
          .layer("sample")
          .definedBy("dev.kappa.sample")
          .layer("grammar")
          .definedBy("dev.kappa.grammar")
          .layer("text")
          .definedBy("dev.kappa.text..")
          .layer("gguf")
          .definedBy("dev.kappa.gguf")
          .layer("device")
          .definedBy("dev.kappa.device")
          .layer("cpu")
          .definedBy("dev.kappa.device.cpu")
          .layer("virtual")
          .definedBy("dev.kappa.device.virtual")
          .layer("host")
          .definedBy("dev.kappa.device.host")
          .layer("trace")
          .definedBy("dev.kappa.trace")
          .whereLayer("trace")
          .mayOnlyBeAccessedByLayers("engine")
          .whereLayer("plan")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("engine")
          .mayOnlyBeAccessedByLayers("plan")
          .whereLayer("schedule")
          .mayOnlyBeAccessedByLayers("engine")
          .whereLayer("kv")
          .mayOnlyBeAccessedByLayers("engine", "schedule")
          .whereLayer("model")
          .mayOnlyBeAccessedByLayers("plan", "engine")
          .whereLayer("grammar")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("sample")
          .mayOnlyBeAccessedByLayers("plan", "engine", "grammar")
          .whereLayer("text")
          .mayOnlyBeAccessedByLayers("plan", "engine", "grammar")
          .whereLayer("gguf")
          .mayOnlyBeAccessedByLayers("model", "text")
          .whereLayer("host")
          .mayOnlyBeAccessedByLayers("cpu")
          .whereLayer("cpu")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("virtual")
          .mayOnlyBeAccessedByLayers("plan");

  @ArchTest
  static final ArchRule deviceSeamKnowsNoImplementation =
      noClasses()
          .that()
          .resideInAPackage("dev.kappa.device")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.kappa.device.cpu..",
              "dev.kappa.device.host..",
              "dev.kappa.device.virtual..",
              "dev.kappa.cuda..");

  @ArchTest
  static final ArchRule transfersDoNotKnowWhatTheyMove =
      noClasses()
          .that()
          .resideInAPackage("dev.kappa.kv.transfer")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.kappa.kv");

  @ArchTest
  static final ArchRule schedulerNeverTouchesTensors =
      noClasses()
          .that()
          .resideInAPackage("dev.kappa.schedule")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.kappa.device..");

  @ArchTest
  static final ArchRule onlyDevicesAskTheSystemForTime =
      noClasses()
          .that()
          .resideOutsideOfPackages("dev.kappa.device.cpu", "dev.kappa.device.host")
          .should()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethod(System.class, "currentTimeMillis");

  @ArchTest
  static final ArchRule textAndSamplingStandAlone =
      classes()
          .that()
          .resideInAnyPackage("dev.kappa.text..", "dev.kappa.sample")
          .should()
          .onlyDependOnClassesThat()
          .resideOutsideOfPackage("dev.kappa..")
          .orShould()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.kappa.text..",
              "dev.kappa.sample",
              "dev.kappa.gguf",
              "java..",
              "ai.djl..",
              "tools.jackson..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule ggufFilesStandAlone =
      classes()
          .that()
          .resideInAPackage("dev.kappa.gguf")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("dev.kappa.gguf", "java..", "org.jspecify..");

  @ArchTest
  static final ArchRule tracesStandAlone =
      classes()
          .that()
          .resideInAPackage("dev.kappa.trace")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("dev.kappa.trace", "java..", "tools.jackson..", "org.jspecify..");

  @ArchTest
  static final ArchRule statisticsStandAlone =
      classes()
          .that()
          .resideInAPackage("dev.kappa.stats")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("dev.kappa.stats", "java..", "org.jspecify..");

  @ArchTest
  static final ArchRule rooflineIsPureArithmetic =
      classes()
          .that()
          .resideInAPackage("dev.kappa.roofline")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("dev.kappa.roofline", "java.lang..", "org.jspecify..");

  @ArchTest
  static final ArchRule virtualDeviceKnowsTheSeamAndTheRooflineOnly =
      classes()
          .that()
          .resideInAPackage("dev.kappa.device.virtual")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.kappa.device",
              "dev.kappa.device.virtual",
              "dev.kappa.roofline",
              "java..",
              "org.jspecify..");

  @ArchTest
  static final ArchRule deviceChecksKnowTheSeamOnly =
      classes()
          .that()
          .resideInAPackage("dev.kappa.device.check")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage(
              "dev.kappa.device", "dev.kappa.device.check", "java..", "org.jspecify..");
}
