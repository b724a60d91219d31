package dev.lingyu.model.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Writes a tokenizer anew with more tokens; no token that was there gets another id, and text without the
/// new tokens is cut as before.
///
/// ```java
/// TokenizerEdit.of(modelDirectory).add(List.of("<think>"), true).save(target);
/// ```
public final class TokenizerEdit {
    // What names special tokens and templates, not what repeats the vocabulary in older layouts.
    private static final List<String> COMPANIONS =
            List.of("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json");

    private final Path directory;
    private final ObjectNode root;
    private int next;

    private TokenizerEdit(Path directory, ObjectNode root, int next) {
        this.directory = directory;
        this.root = root;
        this.next = next;
    }

    /// Reads the tokenizer of a directory.
    ///
    /// @throws TokenizerException when there is none, or it is damaged
    public static TokenizerEdit of(Path directory) {
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
            Path file = directory.resolve(Tokenizer.FILE_NAME);
            ObjectNode root = (ObjectNode) TokenizerFile.JSON.readTree(Files.readAllBytes(file));
            return new TokenizerEdit(directory, root, tokenizer.vocabularySize());
        } catch (IOException e) {
            throw new TokenizerException(
                    "The tokenizer of " + directory + " can't be read: " + e.getMessage() + ".", e);
        }
    }

    /// How many ids there are by now.
    public int vocabularySize() {
        return next;
    }

    /// Adds tokens that are recognised wherever their text stands; those that are there already stay as they are.
    ///
    /// @param tokens  their texts
    /// @param special whether they are markers, which decoding may leave out and users can't write
    /// @throws TokenizerException when one is empty
    public TokenizerEdit add(List<String> tokens, boolean special) {
        ArrayNode added = root.path("added_tokens") instanceof ArrayNode list ? list : root.putArray("added_tokens");
        for (String token : tokens) {
            if (token.isEmpty()) {
                throw new TokenizerException("A token to add is empty; give each at least one character.");
            }
            boolean there = added.valueStream()
                    .anyMatch(node -> node.path("content").asText().equals(token));
            if (there) {
                continue;
            }
            JsonNode known = root.path("model").path("vocab").path(token);
            added.addObject()
                    .put("id", known.isInt() ? known.intValue() : next++)
                    .put("content", token)
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", !special)
                    .put("special", special);
        }
        return this;
    }

    /// Adds merges behind those that are there, each with its token.
    ///
    /// @throws TokenizerException when the tokenizer is no BPE
    TokenizerEdit merge(List<TrainedBpe.Merge> merges) {
        ObjectNode model = bpe();
        ObjectNode vocabulary = (ObjectNode) model.path("vocab");
        // Added tokens outside the vocabulary would get new ids when it grows, so they move in with theirs.
        Map<Integer, String> outside = new TreeMap<>();
        for (JsonNode token : root.path("added_tokens")) {
            if (!vocabulary.has(token.path("content").asText())) {
                outside.put(token.path("id").asInt(), token.path("content").asText());
            }
        }
        outside.forEach((id, token) -> vocabulary.put(token, id));
        ArrayNode list = (ArrayNode) model.path("merges");
        boolean pairs = !list.isEmpty() && list.get(0).isArray();
        for (TrainedBpe.Merge merge : merges) {
            vocabulary.put(merge.left() + merge.right(), next++);
            if (pairs) {
                list.addArray().add(merge.left()).add(merge.right());
            } else {
                list.add(merge.left() + " " + merge.right());
            }
        }
        return this;
    }

    /// The `model` section.
    ///
    /// @throws TokenizerException when it is no BPE
    ObjectNode bpe() {
        JsonNode model = root.path("model");
        boolean bpe = model.path("type").asText("BPE").equals("BPE")
                && model.path("merges").isArray()
                && model.path("vocab").isObject();
        if (!bpe) {
            throw new TokenizerException(
                    "The tokenizer of %s is a %s; only BPE tokenizers, such as those of BLOOM, LLaMA and Qwen, can learn words from a corpus."
                            .formatted(directory, model.path("type").asText("tokenizer of an unnamed type")));
        }
        return (ObjectNode) model;
    }

    /// The ids that are markers or were added, which no merge may touch.
    List<Integer> addedIds() {
        List<Integer> ids = new ArrayList<>();
        root.path("added_tokens").forEach(token -> ids.add(token.path("id").asInt()));
        return ids;
    }

    /// Writes the tokenizer with what names its special tokens and its chat template, each file whole or not at
    /// all.
    ///
    /// @param target is made if missing; may not be where the tokenizer was read
    /// @throws TokenizerException when a file can't be written
    public void save(Path target) {
        try {
            Files.createDirectories(target);
            if (Files.isSameFile(directory, target)) {
                throw new TokenizerException("The changed tokenizer would overwrite " + directory
                        + ", which the model there still needs; name another directory.");
            }
            for (String name : COMPANIONS) {
                if (Files.isRegularFile(directory.resolve(name))) {
                    replace(target, name, Files.readAllBytes(directory.resolve(name)));
                }
            }
            // By way of a string: as bytes Jackson escapes names beyond the basic plane, and then can't read
            // them.
            String json = TokenizerFile.JSON.writeValueAsString(root);
            replace(target, Tokenizer.FILE_NAME, json.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new TokenizerException(
                    "The tokenizer can't be written to " + target + ": " + e.getMessage() + ".", e);
        }
    }

    private static void replace(Path target, String name, byte[] bytes) throws IOException {
        Path part = target.resolve(name + ".part");
        Files.write(part, bytes);
        Files.move(part, target.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }
}
