package dev.lingyu.model.tokenizer;

import java.util.Arrays;

/// Streams any vocabulary by decoding the last few tokens again: once with and once without the new
/// one; the text that is more is new.
///
/// The token before the window's new part stays in it, because decoders treat the first token of a
/// text differently (WordPiece puts no space before it). Text that ends in U+FFFD, and tokens
/// without text, wait for the next token, at most [#LONGEST] of them, so that the work per token
/// stays bounded.
final class WindowStream implements StreamDecoder {

    private static final int LONGEST = 16;

    private final StreamTokens tokens;
    private final Whole whole;
    private final int[] window = new int[2 * LONGEST];
    private int size;
    private int given;

    WindowStream(StreamTokens tokens, Whole whole) {
        this.tokens = tokens;
        this.whole = whole;
    }

    @Override
    public String add(int id) {
        if (tokens.textual(id).isEmpty()) {
            return "";
        }
        window[size++] = id;
        String piece = pending();
        if (size - given < LONGEST && (piece.isEmpty() || piece.endsWith("\uFFFD"))) {
            return "";
        }
        System.arraycopy(window, given, window, 0, size - given);
        size -= given;
        given = size;
        return piece;
    }

    @Override
    public String finish() {
        String rest = pending();
        size = 0;
        given = 0;
        return rest;
    }

    private String pending() {
        String before = whole.decode(Arrays.copyOf(window, given));
        String all = whole.decode(Arrays.copyOf(window, size));
        return all.startsWith(before) ? all.substring(before.length()) : all;
    }

    /// Decodes ids at once, special tokens included: those that are left out never come here.
    @FunctionalInterface
    interface Whole {
        String decode(int[] ids);
    }
}
