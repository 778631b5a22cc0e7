package dev.kappa.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What Hugging Face transformers computes for a model of the {@link Fixtures}, in 32-bit floats.
 *
 * @param prompts by length
 */
public record ReferenceResults(List<Prompt> prompts) {

  /**
   * Results of one prompt.
   *
   * @param tokens the prompt
   * @param positions some of its positions, the last among them
   * @param lastLogits all logits of the last position
   * @param greedy the most likely tokens that follow, end-of-sequence not heeded
   * @param margins of each of these, how far its logit is above the second largest
   */
  public record Prompt(
      List<Integer> tokens,
      List<Position> positions,
      List<Float> lastLogits,
      List<Integer> greedy,
      List<Float> margins) {}

  /**
   * Logits of one position.
   *
   * @param logSumExp logarithm of the sum of the exponentials of all logits
   * @param top the largest logits, largest first
   */
  public record Position(int position, float logSumExp, List<TokenLogit> top) {}

  /** One logit. */
  public record TokenLogit(int token, float logit) {}

  /** Reads a model's {@code reference.json}. */
  public static ReferenceResults read(String model) {
    JsonNode root =
        JsonMapper.shared().readTree(Fixtures.model(model).resolve("reference.json").toFile());
    List<Prompt> prompts = new ArrayList<>();
    for (JsonNode prompt : root.get("prompts")) {
      prompts.add(
          new Prompt(
              integers(prompt.get("tokens")),
              positions(prompt.get("positions")),
              logits(prompt.get("lastLogits").stringValue()),
              integers(prompt.get("greedy")),
              floats(prompt.get("margins"))));
    }
    return new ReferenceResults(List.copyOf(prompts));
  }

  private static List<Position> positions(JsonNode array) {
    List<Position> positions = new ArrayList<>();
    for (JsonNode position : array) {
      List<TokenLogit> top = new ArrayList<>();
      for (JsonNode pair : position.get("top")) {
        top.add(new TokenLogit(pair.get(0).intValue(), (float) pair.get(1).doubleValue()));
      }
      positions.add(
          new Position(
              position.get("position").intValue(),
              (float) position.get("logSumExp").doubleValue(),
              List.copyOf(top)));
    }
    return List.copyOf(positions);
  }

  private static List<Float> logits(String base64) {
    ByteBuffer bytes =
        ByteBuffer.wrap(Base64.getDecoder().decode(base64)).order(ByteOrder.LITTLE_ENDIAN);
    List<Float> logits = new ArrayList<>();
    while (bytes.hasRemaining()) {
      logits.add(bytes.getFloat());
    }
    return List.copyOf(logits);
  }

  private static List<Integer> integers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::intValue).toList();
  }

  private static List<Float> floats(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .map(value -> (float) value.doubleValue())
        .toList();
  }
}
