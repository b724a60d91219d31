package dev.lingyu.model.tokenizer;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/// Streams SentencePiece vocabularies: tokens are text with `▁` for a space, and what they can't
/// spell comes as a run of byte tokens (`<0xE9><0xA2><0x86>`).
///
/// A run is held back until a token that is no byte ends it: by the format's rule one wrong byte
/// turns the whole run into U+FFFD, one per byte, so no character of a run is certain before its
/// end. (A line feed is a byte token too.)
final class ByteFallbackStream implements StreamDecoder {

    private final StreamTokens tokens;
    private final List<Replacement> replacements;
    private final String strip;
    private final int stripMost;
    private final ByteArrayOutputStream run = new ByteArrayOutputStream();
    private int stripLeft;

    /// @param strip one character that is taken off the front of the whole text
    /// @param stripMost at most so many times
    ByteFallbackStream(StreamTokens tokens, List<Replacement> replacements, String strip, int stripMost) {
        this.tokens = tokens;
        this.replacements = List.copyOf(replacements);
        this.strip = strip;
        this.stripMost = stripMost;
        this.stripLeft = stripMost;
    }

    @Override
    public String add(int id) {
        Optional<String> token = tokens.textual(id);
        if (token.isEmpty()) {
            return "";
        }
        String text = token.get();
        for (Replacement replacement : replacements) {
            text = text.replace(replacement.pattern(), replacement.content());
        }
        int value = byteValue(text);
        if (value >= 0) {
            run.write(value);
            return "";
        }
        return stripped(run.size() == 0 ? text : endOfRun() + text);
    }

    @Override
    public String finish() {
        String rest = stripped(endOfRun());
        stripLeft = stripMost;
        return rest;
    }

    private String endOfRun() {
        byte[] bytes = run.toByteArray();
        run.reset();
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException e) {
            return "\uFFFD".repeat(bytes.length);
        }
    }

    private String stripped(String piece) {
        String rest = piece;
        while (stripLeft > 0 && !rest.isEmpty()) {
            if (rest.startsWith(strip)) {
                rest = rest.substring(strip.length());
                stripLeft--;
            } else {
                stripLeft = 0;
            }
        }
        return rest;
    }

    /// The byte of a token like `<0x0A>`, or -1.
    private static int byteValue(String token) {
        if (token.length() != 6 || !token.startsWith("<0x") || token.charAt(5) != '>') {
            return -1;
        }
        int high = Character.digit(token.charAt(3), 16);
        int low = Character.digit(token.charAt(4), 16);
        return high < 0 || low < 0 || token.charAt(3) > 'f' || token.charAt(4) > 'f' ? -1 : high << 4 | low;
    }

    /// Text of a token that stands for other text.
    record Replacement(String pattern, String content) {}
}
