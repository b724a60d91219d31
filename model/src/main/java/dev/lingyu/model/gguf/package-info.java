/// GGUF files as models: what a file's metadata, tokens and tensors are called in a Hugging Face directory, and
/// the way back.
///
/// In: a [dev.lingyu.tensor.gguf.GgufFile]. Out: the documents of a model directory (`config.json`,
/// `tokenizer.json` …) and its weights under Hugging Face's names, unpacked when they are asked for. Everything
/// above reads those as it reads a directory.
@NullMarked
package dev.lingyu.model.gguf;

import org.jspecify.annotations.NullMarked;
