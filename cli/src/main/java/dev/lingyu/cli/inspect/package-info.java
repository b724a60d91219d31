/// What things on disk are.
///
/// In: a path. Out: facts in words, for a person; wrong input as the typed exceptions of the modules.
/// Invariant: nothing is changed, and no weights are read, only the headers of their files.
@NullMarked
package dev.lingyu.cli.inspect;

import org.jspecify.annotations.NullMarked;
