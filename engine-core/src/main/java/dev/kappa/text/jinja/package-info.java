/**
 * An interpreter for the Jinja that chat templates are written in: what transformers' {@code
 * ImmutableSandboxedEnvironment} with {@code trim_blocks} and {@code lstrip_blocks} accepts, less
 * template inheritance and imports.
 *
 * <p><b>How it works.</b> {@link dev.kappa.text.jinja.Lexer} cuts the source into tokens, {@link
 * dev.kappa.text.jinja.Parser} builds {@link dev.kappa.text.jinja.Stmt} and {@link
 * dev.kappa.text.jinja.Expr} trees, {@link dev.kappa.text.jinja.Interpreter} walks them. Templates
 * see no Java objects: a value is {@link dev.kappa.text.jinja.None}, Boolean, Long, Double, String,
 * List, Map, {@link dev.kappa.text.jinja.Undefined} or one of this package's few callables, and
 * every operation on them is spelled out here, without reflection. A {@link
 * dev.kappa.text.jinja.Budget} bounds the work of one rendering.
 */
@NullMarked
package dev.kappa.text.jinja;

import org.jspecify.annotations.NullMarked;
