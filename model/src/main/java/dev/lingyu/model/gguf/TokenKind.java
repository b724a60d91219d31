package dev.lingyu.model.gguf;

/// What a token is, by its number in `tokenizer.ggml.token_type`.
enum TokenKind {
    UNDEFINED,
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE;

    /// The kind of a number; what llama.cpp does not know counts as undefined.
    static TokenKind of(long number) {
        return number < 0 || number >= values().length ? UNDEFINED : values()[(int) number];
    }

    /// Whether it is found in a text before the text is cut into pieces.
    boolean isAdded() {
        return this == UNKNOWN || this == CONTROL || this == USER_DEFINED;
    }
}
