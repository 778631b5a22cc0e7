package dev.kappa.grammar;

import dev.kappa.sample.Constraint;

/**
 * A language over a vocabulary. Made on any thread; all outputs in it advance on one, see the
 * package.
 */
public final class Grammar implements Constraint {

  private final Automaton automaton;
  private final TokenTrie trie;
  private final MaskCache masks;

  Grammar(Automaton automaton, TokenTrie trie, MaskCache masks) {
    this.automaton = automaton;
    this.trie = trie;
    this.masks = masks;
  }

  @Override
  public Cursor begin() {
    return new Output();
  }

  private final class Output implements Cursor {
    private Automaton.Place place = automaton.start();

    @Override
    public long[] allowed() {
      return masks.get(automaton, place);
    }

    @Override
    public boolean mayEnd() {
      return place.mayEnd();
    }

    @Override
    public boolean mustEnd() {
      return place.isLast();
    }

    @Override
    public void accept(int token) {
      for (byte b : trie.bytes(token)) {
        place = automaton.next(place, b & 0xff);
      }
      if (place == Automaton.NOWHERE) {
        throw new IllegalStateException("token " + token + " leads out of the grammar");
      }
    }
  }
}
