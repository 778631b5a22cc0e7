package dev.kappa.server.backend;

import dev.kappa.model.ModelDirectory;
import org.jspecify.annotations.Nullable;

/** Finds a model's chat template. */
public final class ChatTemplates {

  private ChatTemplates() {}

  /** The template; null if the model has none. */
  public static @Nullable ChatRenderer find(ModelDirectory directory) {
    return null;
  }
}
