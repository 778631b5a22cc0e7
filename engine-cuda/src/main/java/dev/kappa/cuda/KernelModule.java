package dev.kappa.cuda;

import static jcuda.driver.JCudaDriver.cuFuncSetAttribute;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleUnload;

import dev.kappa.device.DType;
import java.util.EnumMap;
import java.util.Map;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.CUmodule;

/** The project's kernels, loaded into a context. */
final class KernelModule implements AutoCloseable {

  /**
   * A function of the module.
   *
   * @param arguments how many it takes
   */
  record Kernel(String name, long raw, int arguments) {
    @Override
    public String toString() {
      return name;
    }
  }

  private final CudaContext context;
  private final CUmodule module = new CUmodule();
  private final String hash;

  final Kernel pickRows;
  final Kernel rmsNorm;
  final Kernel addRmsNorm;
  final Kernel siluMul;
  final Kernel argmax;
  final Kernel stageBatch;
  final Kernel planSegments;
  final Kernel mergeSegments;
  final Kernel mergeSpan;
  final Kernel attentionResult;
  final Map<DType, Kernel> ropeStore;
  final AttentionKernels attention;

  /** Conversions to the type of weights, by the type that they come in. */
  final Map<DType, Kernel> toBf16;

  /** Conversions to 32-bit floats. */
  final Map<DType, Kernel> toF32;

  /**
   * @param major of the GPU's compute capability
   */
  @SuppressWarnings(
      "this-escape") // AttentionKernels asks for kernels, which needs the module alone.
  KernelModule(CudaContext context, int major) {
    this.context = context;
    hash = KernelImage.load(context, module, major).hash();
    pickRows = kernel("pickRows", 4);
    rmsNorm = kernel("rmsNorm", 5);
    addRmsNorm = kernel("addRmsNorm", 6);
    siluMul = kernel("siluMul", 3);
    argmax = kernel("argmax", 3);
    stageBatch = kernel("stageBatch", 10);
    planSegments = kernel("planSegments", 9);
    mergeSegments = kernel("mergeSegments", 16);
    mergeSpan = kernel("mergeSpan", 14);
    attentionResult = kernel("attentionResult", 4);
    ropeStore = perType("ropeStore%s", 17);
    attention = new AttentionKernels(this);
    toBf16 = Map.of(DType.F32, kernel("f32ToBf16", 3), DType.F16, kernel("f16ToBf16", 3));
    toF32 = Map.of(DType.BF16, kernel("bf16ToF32", 3), DType.F16, kernel("f16ToF32", 3));
  }

  /** A short name of everything in the module. */
  String version() {
    return hash.substring(0, 12);
  }

  private Map<DType, Kernel> perType(String pattern, int arguments) {
    Map<DType, Kernel> found = new EnumMap<>(DType.class);
    found.put(DType.BF16, kernel(pattern.formatted("Bf16"), arguments));
    found.put(DType.F16, kernel(pattern.formatted("F16"), arguments));
    found.put(DType.F32, kernel(pattern.formatted("F32"), arguments));
    return found;
  }

  private Kernel kernel(String name, int arguments) {
    Handles.FunctionHandle function = new Handles.FunctionHandle();
    context.check("finding kernel " + name, cuModuleGetFunction(function, module, name));
    return new Kernel(name, function.raw(), arguments);
  }

  /** A kernel whose blocks have so much dynamic shared memory, which may be more than usual. */
  Kernel kernel(String name, int arguments, int sharedBytes) {
    Handles.FunctionHandle function = new Handles.FunctionHandle();
    context.check("finding kernel " + name, cuModuleGetFunction(function, module, name));
    context.check(
        "shared memory of " + name + ": cuFuncSetAttribute",
        cuFuncSetAttribute(
            function,
            CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
            sharedBytes));
    return new Kernel(name, function.raw(), arguments);
  }

  @Override
  public void close() {
    context.ignore(cuModuleUnload(module));
  }
}
