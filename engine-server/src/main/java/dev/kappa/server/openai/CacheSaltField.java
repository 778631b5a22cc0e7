package dev.kappa.server.openai;

/** Reads whose cache a request shares, as in vLLM. */
final class CacheSaltField {

  private static final String FIELD = "cache_salt";
  private static final int MAX_LENGTH = 1024;

  private CacheSaltField() {}

  /** The salt; empty for the cache that all requests without one share. */
  static String read(JsonFields fields) {
    String salt = fields.string(FIELD);
    if (salt == null) {
      return "";
    }
    if (salt.isEmpty() || salt.length() > MAX_LENGTH) {
      throw JsonFields.bad(FIELD, FIELD + " must have between 1 and " + MAX_LENGTH + " characters");
    }
    return salt;
  }
}
