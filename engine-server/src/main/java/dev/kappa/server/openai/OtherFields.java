package dev.kappa.server.openai;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * The fields of OpenAI's and vLLM's requests that the server does not act on. Those without effect
 * on the answer pass; the others pass with the value that asks for nothing, and are refused with
 * any other.
 */
final class OtherFields {

  /** For the sender's own bookkeeping, whatever they say. */
  private static final Set<String> HARMLESS =
      Set.of(
          "user",
          "metadata",
          "store",
          "safety_identifier",
          "prompt_cache_key",
          "prompt_cache_retention",
          "include_reasoning",
          "request_id");

  private static final Map<String, Predicate<JsonNode>> NEUTRAL = neutral();

  private OtherFields() {}

  private static Map<String, Predicate<JsonNode>> neutral() {
    Predicate<JsonNode> zero = value -> value.isNumber() && value.doubleValue(1) == 0;
    Predicate<JsonNode> one = value -> value.isNumber() && value.doubleValue(0) == 1;
    Predicate<JsonNode> no = value -> value.isBoolean() && !value.booleanValue();
    Predicate<JsonNode> yes = value -> value.isBoolean() && value.booleanValue();
    Predicate<JsonNode> empty = value -> value.isContainer() && value.isEmpty();
    Predicate<JsonNode> never = value -> false;
    Map<String, Predicate<JsonNode>> fields = new HashMap<>();
    put(fields, one, "length_penalty", "stream_interval");
    put(fields, zero, "priority");
    put(fields, no, "use_beam_search", "continue_final_message");
    put(fields, no, "web_search_options", "early_stopping", "include_metrics");
    put(fields, yes, "spaces_between_special_tokens");
    put(fields, empty, "functions", "documents");
    put(fields, empty, "logits_processors", "mm_processor_kwargs", "vllm_xargs");
    put(fields, never, "kv_transfer_params", "guided_json", "guided_regex");
    put(fields, never, "guided_choice", "guided_grammar", "structured_outputs", "audio");
    put(fields, never, "reasoning_effort", "prediction", "chat_template", "prompt_embeds");
    put(fields, never, "thinking_token_budget");
    put(fields, oneOf("text"), "modalities");
    put(fields, oneOf(""), "suffix");
    put(fields, oneOf("none", "auto"), "function_call");
    put(fields, oneOf("auto", "default"), "service_tier");
    put(fields, oneOf("medium"), "verbosity");
    return Map.copyOf(fields);
  }

  private static void put(
      Map<String, Predicate<JsonNode>> fields, Predicate<JsonNode> neutral, String... names) {
    for (String name : names) {
      fields.put(name, neutral);
    }
  }

  private static Predicate<JsonNode> oneOf(String... values) {
    Set<String> allowed = Set.of(values);
    return value -> {
      JsonNode only = value.isArray() && value.size() == 1 ? value.get(0) : value;
      return only.isString() && allowed.contains(only.stringValue());
    };
  }

  /** Refuses what the request still asks for once everything honoured has been read. */
  static void check(JsonFields fields) {
    for (String name : fields.unread()) {
      if (HARMLESS.contains(name)) {
        continue;
      }
      Predicate<JsonNode> neutral = NEUTRAL.get(name);
      if (neutral == null) {
        throw JsonFields.bad(name, "unknown field " + name);
      }
      JsonNode value = fields.get(name);
      if (value != null && !neutral.test(value)) {
        throw JsonFields.bad(name, name + " is not supported" + shown(value));
      }
    }
  }

  private static String shown(JsonNode value) {
    return value.isValueNode() && value.toString().length() <= 30 ? " with " + value : "";
  }
}
