package dev.lingyu.cli.inspect;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A JSON object in a file of its own.
final class JsonFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private JsonFile() {}

    static JsonNode read(Path file) throws IOException {
        JsonNode root;
        try {
            root = JSON.readTree(Files.readAllBytes(file));
        } catch (JsonProcessingException e) {
            String said = e.getOriginalMessage().lines().findFirst().orElse("");
            throw new InspectionException(file + " is not valid JSON (" + said + "); repair it or make it again.");
        }
        if (!root.isObject()) {
            throw new InspectionException(file + ": expected a JSON object {…}, found something else; repair it.");
        }
        return root;
    }
}
