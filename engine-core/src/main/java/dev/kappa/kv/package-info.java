/**
 * Where attention keys and values live: the layout of a block, its key, the pool of blocks and the
 * cache that hands them to sequences.
 *
 * <p><b>Who owns what.</b> {@link dev.kappa.kv.BlockPool} owns reference counts and decides which
 * free block is reused next; {@link dev.kappa.kv.KvCache} owns the pool's memory. A {@link
 * dev.kappa.kv.BlockTable} lists the blocks that one sequence holds and is changed only by the
 * cache. Nothing here is thread-safe: the engine thread owns all of it.
 */
@NullMarked
package dev.kappa.kv;

import org.jspecify.annotations.NullMarked;
