/**
 * Where attention keys and values live: the layout of a block, its key, the pools of blocks on the
 * device and in host memory, and the cache that hands them to sequences and moves them between the
 * two.
 *
 * <p><b>Who owns what.</b> A {@link dev.kappa.kv.BlockPool} owns reference counts and decides which
 * free block is reused next, one for each tier. {@link dev.kappa.kv.KvCache} is the way in: it owns
 * both tiers, the lanes between them, what is being loaded and what is being stored. A {@link
 * dev.kappa.kv.BlockTable} lists the blocks that one sequence holds and is changed only here.
 * Nothing is thread-safe: the engine thread owns all of it, and other threads only copy.
 */
@NullMarked
package dev.kappa.kv;

import org.jspecify.annotations.NullMarked;
