package dev.lingyu.dataset;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;

/// The one JSON dialect of this module: strict, and without Jackson's own bound on strings (the bound is per
/// row).
final class Json {
    static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxStringLength(Integer.MAX_VALUE)
                            .build())
                    .build())
            .build();
    private static final ObjectReader WHOLE = MAPPER.reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private Json() {}

    /// The value that is all of this text.
    static JsonNode parse(String text) throws JsonProcessingException {
        return WHOLE.readTree(text);
    }

    /// What the parser found, in one sentence without its internals.
    static String problem(JsonProcessingException error, boolean withLine) {
        String message = error.getOriginalMessage().lines().findFirst().orElse("");
        JsonLocation location = error.getLocation();
        if (location == null || location.getColumnNr() < 0) {
            return "not valid JSON (" + message + ")";
        }
        String place = withLine
                ? "line " + location.getLineNr() + ", column " + location.getColumnNr()
                : "column " + location.getColumnNr();
        return "not valid JSON at " + place + " (" + message + ")";
    }
}
