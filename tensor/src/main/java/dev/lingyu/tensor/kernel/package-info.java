/// Loops of our own over raw memory, written with the Vector API, for work that libtorch does in several
/// sweeps.
///
/// In: addresses of contiguous memory that the caller keeps alive. Out: results in that memory. Each kernel
/// has a plain reference in its test. What keeps them fast: a `long` bound on the inner loop (C2 splits loops
/// with an `int` bound, which costs half of the memory bandwidth), no helper methods of our own in hot loops
/// (past 18,000 nodes C2 stops inlining them, and one call left out boxes every vector), raw addresses in one
/// segment without bounds.
@NullMarked
package dev.lingyu.tensor.kernel;

import org.jspecify.annotations.NullMarked;
