package dev.kappa.device.check;

import dev.kappa.device.Activation;
import dev.kappa.device.AttentionShape;
import dev.kappa.device.Router;
import dev.kappa.device.check.AttentionCases.Rope;
import dev.kappa.device.check.KvScene.Part;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;

/** All kernels in all shapes. Inputs are made when a case's turn has come. */
final class KernelCases {

  /** Beginnings and ends within, at and behind the bounds of blocks and tiles. */
  private static final List<Part> MIXED =
      List.of(
          new Part(0, 37),
          new Part(129, 1),
          new Part(63, 3),
          new Part(449, 1),
          new Part(50, 90),
          new Part(0, 1),
          new Part(16, 1));

  private final List<Function<Inputs, KernelCase>> cases = new ArrayList<>();

  private KernelCases() {}

  static List<Function<Inputs, KernelCase>> of(Extent extent) {
    KernelCases all = new KernelCases();
    if (extent == Extent.FULL) {
      all.addRows();
      all.addProducts();
      all.addAttention();
    }
    all.addOddRows();
    all.addOddProducts();
    all.addOddAttention();
    return all.cases;
  }

  private void addRows() {
    cases.add(in -> RowCases.embed(in, 512, 16_384, 4096, 1));
    cases.add(in -> RowCases.rmsNorm(in, 1, 4096));
    cases.add(in -> RowCases.rmsNorm(in, 512, 4096));
    cases.add(in -> RowCases.addRmsNorm(in, 1, 4096));
    cases.add(in -> RowCases.addRmsNorm(in, 512, 4096));
    cases.add(in -> RowCases.gate(in, Activation.SILU, 1, 14_336));
    cases.add(in -> RowCases.gate(in, Activation.SILU, 512, 14_336));
    cases.add(in -> RowCases.gatherOutputs(in, 512, 4096));
    cases.add(in -> RowCases.argmax(in, 64, 128_256));
  }

  private void addOddRows() {
    cases.add(in -> RowCases.embed(in, 9, 71, 48, 1));
    cases.add(in -> RowCases.embed(in, 5, 71, 100, 9.875f));
    cases.add(in -> RowCases.rmsNorm(in, 3, 100));
    cases.add(in -> RowCases.rmsNorm(in, 2, 2049));
    cases.add(in -> RowCases.addRmsNorm(in, 33, 768));
    cases.add(in -> RowCases.addRmsNorm(in, 3, 100));
    cases.add(in -> RowCases.gate(in, Activation.SILU, 5, 333));
    cases.add(in -> RowCases.gate(in, Activation.GELU_TANH, 5, 333));
    cases.add(in -> RowCases.softcap(in, 3, 1001));
    cases.add(in -> RowCases.gatherOutputs(in, 9, 37));
    cases.add(in -> RowCases.argmax(in, 7, 1001));
  }

  private void addProducts() {
    for (int rows : new int[] {1, 8, 64, 512}) {
      cases.add(in -> MatmulCases.matmul(in, rows, 6144, 4096));
    }
    cases.add(in -> MatmulCases.matmul(in, 1, 4096, 14_336));
    cases.add(in -> MatmulCases.logits(in, 1, 32_768, 4096));
    cases.add(in -> MatmulCases.logits(in, 16, 32_768, 4096));
    cases.add(in -> ExpertCases.experts(in, 1, new Router(16, 4, true), 2048, 768));
    cases.add(in -> ExpertCases.experts(in, 256, new Router(16, 4, true), 2048, 768));
  }

  private void addOddProducts() {
    cases.add(in -> MatmulCases.matmul(in, 1, 96, 1000));
    cases.add(in -> MatmulCases.matmul(in, 7, 40, 256));
    cases.add(in -> MatmulCases.matmul(in, 25, 100, 257));
    cases.add(in -> MatmulCases.matmul(in, 100, 300, 700));
    cases.add(in -> MatmulCases.logits(in, 3, 1001, 129));
    cases.add(in -> ExpertCases.route(in, 37, new Router(8, 2, true)));
    cases.add(in -> ExpertCases.route(in, 5, new Router(131, 7, false)));
    cases.add(in -> ExpertCases.experts(in, 1, new Router(8, 2, true), 64, 96));
    cases.add(in -> ExpertCases.experts(in, 45, new Router(5, 3, false), 72, 40));
  }

  private void addAttention() {
    List<Part> decode = Collections.nCopies(16, new Part(2047, 1));
    List<Part> prefill = List.of(new Part(1024, 512));
    for (int block : new int[] {16, 64}) {
      cases.add(in -> AttentionCases.ropeStore(in, large(), block, prefill, Rope.PLAIN));
      cases.add(in -> AttentionCases.attention(in, large(), block, decode));
      cases.add(in -> AttentionCases.attention(in, large(), block, prefill));
    }
    cases.add(in -> AttentionCases.attention(in, small(), 16, decode));
    cases.add(in -> AttentionCases.spans(in, large(), 16, new Part(16_383, 1)));
    cases.add(in -> AttentionCases.spans(in, large(), 64, new Part(3584, 512)));
  }

  private void addOddAttention() {
    for (int block : new int[] {16, 64}) {
      cases.add(in -> AttentionCases.ropeStore(in, small(), block, MIXED, Rope.NORMED));
      cases.add(in -> AttentionCases.ropeStore(in, wide(), block, MIXED, Rope.PLAIN));
      cases.add(in -> AttentionCases.ropeStore(in, small(), block, MIXED, Rope.BIASED_IN_PART));
      cases.add(in -> AttentionCases.attention(in, small(), block, MIXED));
      cases.add(in -> AttentionCases.attention(in, wide(), block, MIXED));
      cases.add(in -> AttentionCases.attention(in, windowed(), block, MIXED));
      cases.add(in -> AttentionCases.spans(in, windowed(), block, new Part(470, 31)));
      cases.add(in -> AttentionCases.spans(in, wide(), block, new Part(1024, 1)));
      cases.add(in -> AttentionCases.spans(in, small(), block, new Part(470, 31)));
    }
  }

  private static AttentionShape large() {
    return AttentionCases.heads(32, 8, 128);
  }

  private static AttentionShape small() {
    return AttentionCases.heads(14, 2, 64);
  }

  private static AttentionShape wide() {
    return AttentionCases.heads(3, 3, 128);
  }

  private static AttentionShape windowed() {
    return AttentionCases.windowed(4, 2, 64, 100);
  }
}
