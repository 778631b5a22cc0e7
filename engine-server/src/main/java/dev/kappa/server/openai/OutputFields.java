package dev.kappa.server.openai;

/**
 * What an answer tells besides its text.
 *
 * @param logprobs how many likely tokens per token; -1 for no log probabilities at all
 * @param tokenIds whether token ids are returned
 * @param tokensAsIds whether log probabilities name tokens by id
 * @param account whether the answer tells what the way to its first token took
 */
record OutputFields(int logprobs, boolean tokenIds, boolean tokensAsIds, boolean account) {

  static OutputFields read(JsonFields fields, int logprobs) {
    return new OutputFields(
        logprobs,
        fields.bool("return_token_ids", false),
        fields.bool("return_tokens_as_token_ids", false),
        account(fields));
  }

  /** Kappa's own extension: {@code "kappa": {"account": true}}. */
  private static boolean account(JsonFields fields) {
    JsonFields kappa = fields.object("kappa");
    if (kappa == null) {
      return false;
    }
    boolean account = kappa.bool("account", false);
    kappa.rejectUnread();
    return account;
  }

  boolean wantsLogprobs() {
    return logprobs >= 0;
  }
}
