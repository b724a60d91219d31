package dev.lingyu.serve;

import dev.lingyu.model.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/// A token as log-probabilities show it: readable text and exact bytes, which differ where a token is part of a
/// character.
///
/// @param text  broken UTF-8 is U+FFFD
/// @param bytes what the token adds to the answer, each 0 to 255; empty where the vocabulary does not tell
record TokenText(String text, Optional<byte[]> bytes) {
    private static final String REPLACEMENT = "\uFFFD";

    /// The token of an id.
    static TokenText of(Tokenizer tokenizer, int id) {
        String text = tokenizer.decode(new int[] {id}, false);
        if (!text.contains(REPLACEMENT)) {
            return new TokenText(text, Optional.of(text.getBytes(StandardCharsets.UTF_8)));
        }
        return new TokenText(text, tokenizer.token(id).flatMap(TokenText::bytesOf));
    }

    /// The bytes that a vocabulary spells as `<0xE4>` (byte fallback) or in the 256 letters of byte-level BPE.
    private static Optional<byte[]> bytesOf(String spelled) {
        if (spelled.matches("<0x[0-9A-Fa-f]{2}>")) {
            int value = Integer.parseInt(spelled.substring(3, 5).toUpperCase(Locale.ROOT), 16);
            return Optional.of(new byte[] {(byte) value});
        }
        byte[] bytes = new byte[spelled.length()];
        for (int i = 0; i < bytes.length; i++) {
            int value = byteOfLetter(spelled.charAt(i));
            if (value < 0) {
                return Optional.empty();
            }
            bytes[i] = (byte) value;
        }
        return Optional.of(bytes);
    }

    /// GPT-2's table: visible Latin-1 signs are themselves, the other bytes are the letters from U+0100 on, in order.
    private static int byteOfLetter(char letter) {
        if (isVisible(letter)) {
            return letter;
        }
        int rank = letter - 0x100;
        for (int value = 0; value < 256 && rank >= 0; value++) {
            if (!isVisible(value) && rank-- == 0) {
                return value;
            }
        }
        return -1;
    }

    private static boolean isVisible(int value) {
        return value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE && value <= 0xFF;
    }
}
