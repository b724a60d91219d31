/// Text to token ids and back.
///
/// In: the `tokenizer.json` of a Hugging Face directory (or plain text, for
/// [dev.lingyu.model.tokenizer.BpeTrainer]). Out: ids as the published library computes them, text,
/// and text in pieces while ids are still arriving. Invariant: an id means the same here as in the
/// library that trained the model, and the pieces of a [dev.lingyu.model.tokenizer.StreamDecoder]
/// joined together are what decoding all ids at once gives.
@NullMarked
package dev.lingyu.model.tokenizer;

import org.jspecify.annotations.NullMarked;
