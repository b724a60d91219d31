package dev.lingyu.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/// The one JSON mapper of this package, and the bodies that every answer is made of.
final class Json {
    static final ObjectMapper MAPPER = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    static byte[] bytes(JsonNode node) {
        try {
            return MAPPER.writeValueAsBytes(node);
        } catch (JsonProcessingException e) {
            // A tree in memory always has a JSON form.
            throw new IllegalStateException(e);
        }
    }

    /// `{"error":{"message","type","param","code"}}`.
    static ObjectNode error(ApiException error) {
        ObjectNode body = object();
        ObjectNode inner = body.putObject("error");
        inner.put("message", error.sentence());
        inner.put("type", error.type());
        error.param().ifPresentOrElse(p -> inner.put("param", p), () -> inner.putNull("param"));
        error.code().ifPresentOrElse(c -> inner.put("code", c), () -> inner.putNull("code"));
        return body;
    }

    /// What an exception says, on one line and without a full stop.
    static String reason(Throwable e) {
        String line = Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName())
                .lines()
                .findFirst()
                .orElse("")
                .strip();
        return line.endsWith(".") ? line.substring(0, line.length() - 1) : line;
    }

    /// Text as UTF-8 has it: half a surrogate pair, which JSON can spell and UTF-8 can't, becomes U+FFFD.
    static String wellFormed(String text) {
        if (StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            return text;
        }
        StringBuilder repaired = new StringBuilder(text.length());
        text.codePoints()
                .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? 0xFFFD : c)
                .forEach(repaired::appendCodePoint);
        return repaired.toString();
    }
}
