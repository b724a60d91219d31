/// JSON Lines that commands take: one object a row.
///
/// In: a file of a user. Out: rows whose prompts are token ids, or a
/// [dev.lingyu.dataset.DatasetException] that names file, row, field, what was expected and what was found.
/// Invariant: all rows were checked before the first is computed.
@NullMarked
package dev.lingyu.cli.rows;

import org.jspecify.annotations.NullMarked;
