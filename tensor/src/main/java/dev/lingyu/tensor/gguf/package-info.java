/// GGUF files, the format of llama.cpp: one file with metadata, vocabulary and tensors in blocks of few bits.
///
/// In: a file, or tensors and metadata. Out: metadata, and tensors in any floating type, rows in the order the
/// caller asks for; or a file. Invariant: nothing in a file is believed before it is checked against the file's
/// size, and what is unpacked equals llama.cpp's own values bit for bit. Layout of the format:
/// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
@NullMarked
package dev.lingyu.tensor.gguf;

import org.jspecify.annotations.NullMarked;
