/**
 * Languages that a model's output is kept to: JSON, and JSON of a schema.
 *
 * <p>A schema becomes a {@code Network} of states over bytes whose rules call each other, since
 * JSON nests. An {@code Automaton} runs it on all paths at once and remembers what it has seen; a
 * {@code TokenTrie} asks it which of the model's tokens may come next.
 *
 * <p><b>Why an output can always go on, and ends.</b> Only bytes that some token consists of alone
 * are in the network, states from which its end cannot be reached are not entered, and nesting is
 * bounded by what is needed to close it. White space and the digits of numbers are bounded; how
 * long strings and arrays become is the model's choice where the schema does not bound them.
 *
 * <p><b>Who owns what.</b> Compiling may happen on any thread. An automaton's memory grows while
 * outputs advance, and belongs to the one thread on which all of them do, the engine's.
 */
@NullMarked
package dev.kappa.grammar;

import org.jspecify.annotations.NullMarked;
