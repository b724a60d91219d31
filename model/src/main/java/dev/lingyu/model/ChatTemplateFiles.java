package dev.lingyu.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The files of a model directory that hold its chat template and special tokens.
final class ChatTemplateFiles {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FILE = "chat_template.jinja";
    private static final List<String> SPECIAL_TOKENS =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

    private ChatTemplateFiles() {}

    static Optional<ChatTemplate> read(Path directory) {
        Path own = directory.resolve(FILE);
        if (Files.exists(own)) {
            return Optional.of(ChatTemplate.of(own.toString(), text(own)));
        }
        return inside(directory.resolve("tokenizer_config.json"))
                .or(() -> inside(directory.resolve("chat_template.json")));
    }

    private static Optional<ChatTemplate> inside(Path file) {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        JsonNode template = json(file).path("chat_template");
        if (template.isMissingNode() || template.isNull()) {
            return Optional.empty();
        }
        return Optional.of(ChatTemplate.of(file + " (chat_template)", source(file, template)));
    }

    private static String source(Path file, JsonNode template) {
        if (template.isTextual()) {
            return template.textValue();
        }
        for (JsonNode named : template) {
            if (named.path("name").asText().equals("default")
                    && named.path("template").isTextual()) {
                return named.path("template").textValue();
            }
        }
        throw new ModelException(file + ", field chat_template: expected a text, or a list of"
                + " {\"name\", \"template\"} with one named \"default\", found "
                + (template.isArray() ? template.findValuesAsText("name") : template.getNodeType()));
    }

    static Map<String, Object> specialTokens(Path directory) {
        Map<String, Object> tokens = new LinkedHashMap<>();
        for (String name : List.of("special_tokens_map.json", "tokenizer_config.json")) {
            Path file = directory.resolve(name);
            if (Files.exists(file)) {
                JsonNode config = json(file);
                for (String token : SPECIAL_TOKENS) {
                    JsonNode value = config.path(token);
                    JsonNode content = value.isObject() ? value.path("content") : value;
                    if (content.isTextual()) {
                        tokens.put(token, content.textValue());
                    }
                }
            }
        }
        return tokens;
    }

    private static JsonNode json(Path file) {
        try {
            return JSON.readTree(text(file));
        } catch (JsonProcessingException e) {
            throw new ModelException(
                    file + ": expected JSON, found " + e.getOriginalMessage() + " in line "
                            + (e.getLocation() == null ? "?" : e.getLocation().getLineNr()),
                    e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new ModelException(file + ": expected UTF-8 text, found other bytes", e);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": can't be read", e);
        }
    }

    /// Written beside, synced and renamed, so that a reader never sees half a template.
    static void write(ChatTemplate template, Path directory) {
        try {
            Files.createDirectories(directory);
            Path part = Files.createTempFile(directory, FILE, ".part");
            try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
                ByteBuffer bytes = ByteBuffer.wrap(template.source().getBytes(StandardCharsets.UTF_8));
                while (bytes.hasRemaining()) {
                    channel.write(bytes);
                }
                channel.force(true);
            }
            Files.move(
                    part, directory.resolve(FILE), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new UncheckedIOException(directory.resolve(FILE) + ": can't be written", e);
        }
    }
}
