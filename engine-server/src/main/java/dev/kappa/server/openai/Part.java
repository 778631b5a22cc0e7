package dev.kappa.server.openai;

import dev.kappa.engine.Finish;
import dev.kappa.sample.TokenLogprob;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A piece of a choice's output, or all of it.
 *
 * @param index which choice
 * @param text the text of the piece
 * @param tokens its tokens
 * @param logprobs one per token where asked for, else empty
 * @param finish how the choice ended; null if it goes on
 */
record Part(
    int index,
    String text,
    List<Integer> tokens,
    List<TokenLogprob> logprobs,
    @Nullable Finish finish) {}
