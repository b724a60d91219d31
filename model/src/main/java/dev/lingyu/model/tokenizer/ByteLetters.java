package dev.lingyu.model.tokenizer;

import java.util.Arrays;

/// The 256 letters with which byte-level vocabularies spell bytes (GPT-2's table).
///
/// Bytes that Latin-1 prints as a visible sign are that sign; the other 68 (controls, space, soft
/// hyphen …) are the letters from U+0100 on, in order: a space is `Ġ`, a line feed `Ċ`.
final class ByteLetters {

    /// The end of the range that letters lie in.
    private static final int END = 0x100 + 68;

    private static final char[] LETTER_OF_BYTE = new char[256];
    private static final short[] BYTE_OF_LETTER = new short[END];

    static {
        Arrays.fill(BYTE_OF_LETTER, (short) -1);
        char next = 0x100;
        for (int value = 0; value < 256; value++) {
            char letter = isVisible(value) ? (char) value : next++;
            LETTER_OF_BYTE[value] = letter;
            BYTE_OF_LETTER[letter] = (short) value;
        }
    }

    private ByteLetters() {}

    static char letter(int value) {
        return LETTER_OF_BYTE[value];
    }

    /// The byte of a letter, or -1 for a character that is none.
    static int value(char letter) {
        return letter < END ? BYTE_OF_LETTER[letter] : -1;
    }

    private static boolean isVisible(int value) {
        return value >= '!' && value <= '~' || value >= 0xA1 && value <= 0xAC || value >= 0xAE && value <= 0xFF;
    }
}
