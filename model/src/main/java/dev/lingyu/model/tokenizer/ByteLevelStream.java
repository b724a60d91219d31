package dev.lingyu.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Optional;

/// Streams byte-level vocabularies: every token is a run of bytes, and a character is out as soon
/// as its last byte is.
final class ByteLevelStream implements StreamDecoder {

    private final StreamTokens tokens;
    private Utf8Pieces utf8 = new Utf8Pieces();

    ByteLevelStream(StreamTokens tokens) {
        this.tokens = tokens;
    }

    @Override
    public String add(int id) {
        Optional<String> token = tokens.textual(id);
        if (token.isEmpty()) {
            return "";
        }
        if (isByteLetters(token.get())) {
            token.get().chars().forEach(letter -> utf8.add(ByteLetters.value((char) letter)));
        } else {
            // An added token such as <｜end▁of▁sentence｜> is spelled as it reads.
            for (byte value : token.get().getBytes(StandardCharsets.UTF_8)) {
                utf8.add(value);
            }
        }
        return utf8.take();
    }

    @Override
    public String finish() {
        String rest = utf8.finish();
        utf8 = new Utf8Pieces();
        return rest;
    }

    private static boolean isByteLetters(String token) {
        return token.chars().allMatch(letter -> ByteLetters.value((char) letter) >= 0);
    }
}
