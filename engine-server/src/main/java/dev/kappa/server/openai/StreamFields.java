package dev.kappa.server.openai;

/**
 * Whether and how an answer is streamed.
 *
 * @param includeUsage whether a last chunk brings the usage
 * @param continuousUsage whether every chunk does
 */
record StreamFields(boolean stream, boolean includeUsage, boolean continuousUsage) {

  static StreamFields read(JsonFields fields) {
    boolean stream = fields.bool("stream", false);
    JsonFields options = fields.object("stream_options");
    if (options == null) {
      return new StreamFields(stream, false, false);
    }
    if (!stream) {
      throw JsonFields.bad("stream_options", "stream_options needs stream to be true");
    }
    boolean usage = options.bool("include_usage", false);
    boolean continuous = options.bool("continuous_usage_stats", false);
    if (options.bool("include_obfuscation", false)) {
      String path = options.path("include_obfuscation");
      throw JsonFields.bad(path, path + " is not supported with true");
    }
    options.rejectUnread();
    return new StreamFields(true, usage, usage && continuous);
  }
}
