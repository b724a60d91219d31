package dev.lingyu.model.gguf;

import dev.lingyu.tensor.gguf.GgufMetadata;
import dev.lingyu.tensor.gguf.GgufValue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// The tokens that a GGUF file's metadata lists, with what it says about each.
final class GgufVocabulary {
    static final String MODEL = "tokenizer.ggml.model";
    static final String TOKENS = "tokenizer.ggml.tokens";
    static final String TYPES = "tokenizer.ggml.token_type";
    static final String SCORES = "tokenizer.ggml.scores";

    private final GgufMetadata metadata;
    private final List<String> tokens;
    private final List<TokenKind> kinds;
    private final Map<String, Integer> ids;

    private GgufVocabulary(
            GgufMetadata metadata, List<String> tokens, List<TokenKind> kinds, Map<String, Integer> ids) {
        this.metadata = metadata;
        this.tokens = tokens;
        this.kinds = kinds;
        this.ids = ids;
    }

    /// Reads the list; empty where the file has none.
    ///
    /// @throws GgufException when a token is there twice, or has no kind
    static Optional<GgufVocabulary> read(GgufMetadata metadata) {
        Optional<List<String>> listed = metadata.texts(TOKENS);
        if (listed.isEmpty()) {
            return Optional.empty();
        }
        Optional<GgufValue.Numbers> types = metadata.numbers(TYPES);
        int size = listed.get().size();
        if (types.isPresent() && types.get().count() != size) {
            throw new GgufException("%s, metadata \"%s\": expected one for each of the %d tokens, found %d."
                    .formatted(metadata.file(), TYPES, size, types.get().count()));
        }
        List<String> tokens = new ArrayList<>(size);
        List<TokenKind> kinds = new ArrayList<>(size);
        Map<String, Integer> ids = new HashMap<>(2 * size);
        for (int id = 0; id < size; id++) {
            String token = listed.get().get(id);
            // As llama.cpp calls a token without letters.
            String name = token.isEmpty() ? "[EMPTY_" + id + "]" : token;
            Integer before = ids.putIfAbsent(name, id);
            if (before != null) {
                throw new GgufException("%s, metadata \"%s\": the token \"%s\" is there twice, as %d and %d."
                        .formatted(metadata.file(), TOKENS, name, before, id));
            }
            tokens.add(name);
            int at = id;
            kinds.add(types.map(t -> TokenKind.of(t.whole(at))).orElse(TokenKind.NORMAL));
        }
        return Optional.of(new GgufVocabulary(metadata, tokens, kinds, ids));
    }

    GgufMetadata metadata() {
        return metadata;
    }

    int size() {
        return tokens.size();
    }

    String token(int id) {
        return tokens.get(id);
    }

    TokenKind kind(int id) {
        return kinds.get(id);
    }

    OptionalInt id(String token) {
        Integer id = ids.get(token);
        return id == null ? OptionalInt.empty() : OptionalInt.of(id);
    }

    /// The id of a role such as `eos`; empty where the file names none, or one beyond its vocabulary, which
    /// llama.cpp passes over too.
    OptionalInt special(String role) {
        OptionalLong id = metadata.whole("tokenizer.ggml." + role + "_token_id");
        return id.isPresent() && id.getAsLong() >= 0 && id.getAsLong() < tokens.size()
                ? OptionalInt.of((int) id.getAsLong())
                : OptionalInt.empty();
    }

    /// Whether a role's token is put around texts.
    boolean adds(String role, boolean otherwise) {
        return metadata.flag("tokenizer.ggml.add_" + role + "_token").orElse(otherwise);
    }
}
