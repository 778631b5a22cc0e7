package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import dev.kappa.sample.TokenLogprob;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes one request's answer, whole or in chunks. Confined to the connection's event loop. */
interface ResponseFormat {

  /** Keeps the log probabilities of a choice's prompt. */
  void promptLogprobs(int index, List<TokenLogprob> logprobs);

  /** The chunk that opens a choice before its first output; null if there is none. */
  byte @Nullable [] opening(int index);

  /** Whether a piece without text is worth a chunk of its own. */
  boolean sendsTokens();

  /**
   * A chunk.
   *
   * @param usage tokens so far, where every chunk brings them; else null
   */
  byte[] chunk(Part part, Finish.@Nullable Usage usage);

  /** The last chunk, which has no choices. */
  byte[] lastChunk(Ending ending);

  /** The whole answer. */
  byte[] whole(List<Part> choices, Ending ending);
}
