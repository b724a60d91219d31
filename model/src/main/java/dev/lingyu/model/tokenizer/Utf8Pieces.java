package dev.lingyu.model.tokenizer;

/// Turns bytes into text as they arrive; broken sequences become U+FFFD, one for each longest
/// prefix of a character.
///
/// This is the rule of Unicode 3.9 ("maximal subparts") and of Rust's `from_utf8_lossy`. The JDK's
/// decoder differs: it gives one U+FFFD for an encoded surrogate (`ED A0 80`), where the rule gives
/// three.
final class Utf8Pieces {

    private final StringBuilder text = new StringBuilder();
    private int codePoint;
    private int missing;
    private int lowest = 0x80;
    private int highest = 0xBF;

    /// Takes one byte; what it completes waits in [#take()].
    void add(int value) {
        int unit = value & 0xFF;
        if (missing > 0) {
            if (unit >= lowest && unit <= highest) {
                lowest = 0x80;
                highest = 0xBF;
                codePoint = codePoint << 6 | unit & 0x3F;
                if (--missing == 0) {
                    text.appendCodePoint(codePoint);
                }
                return;
            }
            breakOff();
        }
        begin(unit);
    }

    /// The text that is certain, without the bytes of an unfinished character.
    String take() {
        if (text.isEmpty()) {
            return "";
        }
        String certain = text.toString();
        text.setLength(0);
        return certain;
    }

    /// The rest; an unfinished character is one U+FFFD.
    String finish() {
        if (missing > 0) {
            breakOff();
        }
        return take();
    }

    private void begin(int unit) {
        if (unit < 0x80) {
            text.append((char) unit);
        } else if (unit >= 0xC2 && unit <= 0xDF) {
            expect(1, unit & 0x1F);
        } else if (unit >= 0xE0 && unit <= 0xEF) {
            expect(2, unit & 0x0F);
            // Overlong forms below E0 A0 and surrogates above ED 9F are no characters.
            lowest = unit == 0xE0 ? 0xA0 : 0x80;
            highest = unit == 0xED ? 0x9F : 0xBF;
        } else if (unit >= 0xF0 && unit <= 0xF4) {
            expect(3, unit & 0x07);
            // Overlong forms below F0 90 and what lies above U+10FFFF are no characters.
            lowest = unit == 0xF0 ? 0x90 : 0x80;
            highest = unit == 0xF4 ? 0x8F : 0xBF;
        } else {
            text.append('\uFFFD');
        }
    }

    private void expect(int continuationBytes, int firstBits) {
        missing = continuationBytes;
        codePoint = firstBits;
    }

    private void breakOff() {
        missing = 0;
        lowest = 0x80;
        highest = 0xBF;
        text.append('\uFFFD');
    }
}
