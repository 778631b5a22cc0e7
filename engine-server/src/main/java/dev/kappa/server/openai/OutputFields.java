package dev.kappa.server.openai;

/**
 * What an answer tells about tokens.
 *
 * @param logprobs how many likely tokens per token; -1 for no log probabilities at all
 * @param tokenIds whether token ids are returned
 * @param tokensAsIds whether log probabilities name tokens by id
 */
record OutputFields(int logprobs, boolean tokenIds, boolean tokensAsIds) {

  static OutputFields read(JsonFields fields, int logprobs) {
    return new OutputFields(
        logprobs,
        fields.bool("return_token_ids", false),
        fields.bool("return_tokens_as_token_ids", false));
  }

  boolean wantsLogprobs() {
    return logprobs >= 0;
  }
}
