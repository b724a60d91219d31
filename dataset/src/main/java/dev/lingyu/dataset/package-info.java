/// The records that rooms hand each other (text, conversation) and the files they come from.
///
/// In: JSON, JSONL, plain text in the layouts people already have. Out: records, or one error that names file, row,
/// field,
/// what was expected and what was found.
@NullMarked
package dev.lingyu.dataset;

import org.jspecify.annotations.NullMarked;
