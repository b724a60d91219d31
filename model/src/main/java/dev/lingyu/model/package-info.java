/// Architectures, weights, tokenizers and chat templates.
///
/// In: a Hugging Face directory. Out: a [dev.lingyu.model.Decoder] that trains, rolls out and serves, and a
/// directory again. Invariant: one decoder for all families; a family is a config reader and a table of
/// names.
@NullMarked
package dev.lingyu.model;

import org.jspecify.annotations.NullMarked;
