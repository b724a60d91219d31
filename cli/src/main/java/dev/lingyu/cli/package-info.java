/// The commands; wiring only.
///
/// In: arguments. Out: exit code 0, 1 or 2 and words a person can act on.
@NullMarked
package dev.lingyu.cli;

import org.jspecify.annotations.NullMarked;
