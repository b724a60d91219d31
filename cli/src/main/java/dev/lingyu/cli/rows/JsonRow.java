package dev.lingyu.cli.rows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.DatasetException;
import dev.lingyu.dataset.Source;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// One row of a JSON Lines file.
///
/// @param source where it stands; rows are counted as lines, empty ones included
/// @param value  its fields
public record JsonRow(Source source, ObjectNode value) {
    private static final ObjectReader WHOLE =
            new ObjectMapper().reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
    private static final int SHOWN = 60;

    /// All rows of a file; empty lines are passed over.
    ///
    /// @throws DatasetException when the file is no JSON Lines of objects in UTF-8, or has no row
    /// @throws IOException when it can't be read
    public static List<JsonRow> readAll(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw DatasetException.inFile(file, "expected a JSON Lines file, found a folder.");
        }
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        List<JsonRow> rows = new ArrayList<>();
        long line = 0;
        try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            for (String text = reader.readLine(); text != null; text = reader.readLine()) {
                line++;
                String bare = line == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
                if (!bare.isBlank()) {
                    rows.add(parse(new Source(file, line), bare));
                }
            }
        } catch (CharacterCodingException notUtf8) {
            throw DatasetException.inFile(
                    file, "expected UTF-8, found other bytes behind row " + line + "; convert the file.", notUtf8);
        }
        if (rows.isEmpty()) {
            throw DatasetException.inFile(file, "expected one JSON object a line, found no row.");
        }
        return rows;
    }

    private static JsonRow parse(Source source, String text) {
        JsonNode node;
        try {
            node = WHOLE.readTree(text);
        } catch (JsonProcessingException e) {
            String said = e.getOriginalMessage().lines().findFirst().orElse("");
            throw DatasetException.inRow(
                    source, Optional.empty(), "expected a JSON object, found invalid JSON (" + said + ").", e);
        }
        if (!(node instanceof ObjectNode object)) {
            throw DatasetException.inRow(
                    source, Optional.empty(), "expected a JSON object {…}, found " + shown(node) + ".");
        }
        return new JsonRow(source, object);
    }

    /// An error about a field of this row.
    public DatasetException wrong(String field, String expected, String found) {
        return DatasetException.inRow(source, Optional.of(field), "expected " + expected + ", found " + found + ".");
    }

    /// An error about a field of this row.
    public DatasetException wrong(String field, String expected, JsonNode found) {
        return wrong(field, expected, shown(found));
    }

    private static String shown(JsonNode node) {
        if (node.isMissingNode()) {
            return "nothing";
        }
        String text = node.toString();
        return text.length() <= SHOWN
                ? text
                : text.substring(0, text.offsetByCodePoints(0, text.codePointCount(0, SHOWN))) + " …";
    }
}
