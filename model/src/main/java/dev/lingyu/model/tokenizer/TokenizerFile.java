package dev.lingyu.model.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/// What Java needs to know of a `tokenizer.json`: tokens by id, which of them are special, and how
/// tokens become text.
///
/// The whole file is parsed, so broken JSON is found here and never reaches native code; merges are
/// skipped over.
final class TokenizerFile {

    static final ObjectMapper JSON = new ObjectMapper();

    /// A larger id is a damaged file: the largest published vocabularies have 262 thousand tokens.
    private static final int HIGHEST_ID = (1 << 24) - 1;

    private final String where;
    private final Map<String, Integer> ids = new HashMap<>();
    private final BitSet special = new BitSet();
    private int modelVocabularySize;
    private boolean subwordPrefix;
    private Optional<String> unknownToken = Optional.empty();
    private OptionalInt unknownId = OptionalInt.empty();
    private JsonNode decoder = MissingNode.getInstance();
    private @Nullable String[] tokens = {};

    private TokenizerFile(String where) {
        this.where = where;
    }

    /// Reads a file's bytes.
    ///
    /// @throws TokenizerException when the bytes are no tokenizer
    static TokenizerFile parse(byte[] json, String where) {
        TokenizerFile file = new TokenizerFile(where);
        JsonNode added = MissingNode.getInstance();
        JsonNode postProcessor = MissingNode.getInstance();
        try (JsonParser parser = JSON.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw file.damaged("it must be a JSON object");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "added_tokens" -> added = JSON.readTree(parser);
                    case "post_processor" -> postProcessor = JSON.readTree(parser);
                    case "decoder" -> file.decoder = JSON.readTree(parser);
                    case "model" -> file.readModel(parser);
                    default -> parser.skipChildren();
                }
            }
            if (parser.nextToken() != null) {
                throw file.damaged("something follows the end of the JSON object");
            }
        } catch (IOException e) {
            throw new TokenizerException(
                    "%s is not readable as JSON (%s); it may be cut off or damaged, take it again from the model's source."
                            .formatted(where, reason(e)),
                    e);
        }
        if (file.ids.isEmpty()) {
            throw file.damaged("\"model\" has no \"vocab\"");
        }
        PipelineCheck.ofPostProcessor(postProcessor)
                .or(() -> PipelineCheck.ofDecoder(file.decoder))
                .or(() -> file.subwordPrefix ? PipelineCheck.ofMerges(modelOf(json)) : Optional.empty())
                .ifPresent(fault -> {
                    throw file.damaged(fault);
                });
        file.readAddedTokens(added);
        file.indexTokens();
        return file;
    }

    /// The same file without its special tokens, so that text which spells one is read letter by
    /// letter.
    static String withoutSpecialTokens(byte[] json) {
        ObjectNode root = (ObjectNode) tree(json);
        ArrayNode kept = JSON.createArrayNode();
        for (JsonNode token : root.path("added_tokens")) {
            if (!token.path("special").asBoolean()) {
                kept.add(token);
            }
        }
        root.set("added_tokens", kept);
        return root.toString();
    }

    private static JsonNode modelOf(byte[] json) {
        return tree(json).path("model");
    }

    private static JsonNode tree(byte[] json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new IllegalStateException("A file that was parsed before does not parse now.", e);
        }
    }

    int vocabularySize() {
        return tokens.length;
    }

    Optional<String> token(int id) {
        return id >= 0 && id < tokens.length ? Optional.ofNullable(tokens[id]) : Optional.empty();
    }

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    boolean isSpecial(int id) {
        return id >= 0 && special.get(id);
    }

    /// The special tokens as they are written, in the order of their ids.
    List<String> specialTokens() {
        return special.stream()
                .mapToObj(id -> token(id).orElse(""))
                .filter(t -> !t.isEmpty())
                .toList();
    }

    /// The `decoder` section; missing or null when tokens are joined by spaces.
    JsonNode decoder() {
        return decoder;
    }

    OptionalInt unknownId() {
        return unknownId.isPresent() ? unknownId : unknownToken.map(this::id).orElse(OptionalInt.empty());
    }

    private void readModel(JsonParser parser) throws IOException {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw damaged("\"model\" must be an object");
        }
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            parser.nextToken();
            switch (field) {
                case "continuing_subword_prefix" ->
                    subwordPrefix = !parser.getValueAsString("").isEmpty();
                case "unk_token" -> unknownToken = Optional.ofNullable(parser.getValueAsString());
                case "unk_id" ->
                    unknownId = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                            ? OptionalInt.of(checkedId(parser))
                            : OptionalInt.empty();
                case "vocab" -> readVocabulary(parser);
                default -> parser.skipChildren();
            }
        }
        modelVocabularySize = ids.size();
    }

    /// BPE, WordPiece and WordLevel write `{token: id}`, Unigram `[[token, score]]` with the place
    /// as id.
    private void readVocabulary(JsonParser parser) throws IOException {
        if (parser.currentToken() == JsonToken.START_OBJECT) {
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String token = parser.currentName();
                if (parser.nextToken() != JsonToken.VALUE_NUMBER_INT) {
                    throw damaged("token \"%s\" of \"vocab\" has no whole number as id".formatted(token));
                }
                ids.put(token, checkedId(parser));
            }
        } else if (parser.currentToken() == JsonToken.START_ARRAY) {
            for (int id = 0; parser.nextToken() == JsonToken.START_ARRAY; id++) {
                if (parser.nextToken() != JsonToken.VALUE_STRING) {
                    throw damaged("entry %d of \"vocab\" does not begin with a token".formatted(id));
                }
                ids.putIfAbsent(parser.getText(), id);
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    if (parser.currentToken() == null) {
                        throw damaged("it ends inside \"vocab\"");
                    }
                    parser.skipChildren();
                }
            }
        } else {
            throw damaged("\"vocab\" must be an object or a list");
        }
    }

    private int checkedId(JsonParser parser) throws IOException {
        long id = parser.getLongValue();
        if (id < 0 || id > HIGHEST_ID) {
            throw damaged("\"vocab\" holds the id %d, allowed are 0 to %d".formatted(id, HIGHEST_ID));
        }
        return (int) id;
    }

    /// Gives ids as the native library does: a token of the vocabulary keeps its id, a new one gets
    /// the next free id behind vocabulary and added tokens, whatever number the file names.
    private void readAddedTokens(JsonNode added) {
        if (!added.isMissingNode() && !added.isNull() && !added.isArray()) {
            throw damaged("\"added_tokens\" must be a list");
        }
        int highestAdded = -1;
        for (JsonNode token : added) {
            String content = token.path("content").asText("");
            if (content.isEmpty()) {
                continue;
            }
            Integer known = ids.get(content);
            int id;
            if (known != null) {
                id = known;
            } else {
                id = highestAdded >= modelVocabularySize || modelVocabularySize == 0
                        ? highestAdded + 1
                        : modelVocabularySize;
                ids.put(content, id);
            }
            highestAdded = Math.max(highestAdded, id);
            if (token.path("special").asBoolean()) {
                special.set(id);
            }
        }
    }

    private void indexTokens() {
        int highest = ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1);
        tokens = new @Nullable String[highest + 1];
        ids.forEach((token, id) -> tokens[id] = token);
    }

    private TokenizerException damaged(String detail) {
        return new TokenizerException(
                "%s is no usable tokenizer: %s; take the file again from the model's source.".formatted(where, detail));
    }

    private static String reason(IOException e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        return message.lines().findFirst().orElse("").strip();
    }
}
