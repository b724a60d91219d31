/// The records that rooms hand each other (text, conversation, preference, prompt) and the files they come
/// from.
///
/// In: JSON, JSON Lines, plain text, alone, packed (`.gz`, `.zip`) or by folder, in the layouts people
/// already have, named directly or through LLaMA-Factory's `dataset_info.json`. Out: [Example]s with their
/// [Source], one at a time, or one [DatasetException] that names file, row, field, what was expected and what
/// was found.
///
/// Start at [Datasets#open(DatasetSpec, Class)]; write with [ExampleWriter]. The invariant: a record that
/// exists is complete (no nulls, no missing role, no half characters), whatever the bytes it came from.
@NullMarked
package dev.lingyu.dataset;

import org.jspecify.annotations.NullMarked;
