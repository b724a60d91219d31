package dev.lingyu.dataset;

/// What one example of a plain text file is. Blank lines never make an example.
public enum TextRows {
    /// Each line, as Hugging Face's `text` loader (and so LLaMA-Factory) has it. The default.
    LINE,
    /// Lines up to the next blank line, joined by line feeds.
    PARAGRAPH,
    /// The whole file.
    FILE
}
