package dev.lingyu.model.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.tensor.gguf.GgufValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/// Writes a Hugging Face tokenizer as the metadata of a GGUF file, with the keys and kinds of tokens that
/// llama.cpp's converter gives.
final class TokenizerMetadata {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");
    private static final Pattern LOOKS_SPECIAL = Pattern.compile("<\\|.*\\|>|<｜.*｜>|<pad>|<mask>|<unused.*>");

    private final Tokenizer tokenizer;
    private final JsonNode document;
    private final int rows;
    private final Map<String, GgufValue> metadata;

    private TokenizerMetadata(Tokenizer tokenizer, int rows, Map<String, GgufValue> metadata) {
        this.tokenizer = tokenizer;
        this.document = parsed(tokenizer);
        this.rows = rows;
        this.metadata = metadata;
    }

    /// Adds a tokenizer's keys.
    ///
    /// @param rows of the embedding; those beyond the tokenizer's tokens are listed as unused
    /// @throws GgufException when GGUF has no words for such a tokenizer
    static void add(Tokenizer tokenizer, int rows, Map<String, GgufValue> metadata) {
        new TokenizerMetadata(tokenizer, rows, metadata).write();
    }

    private static JsonNode parsed(Tokenizer tokenizer) {
        try {
            return JSON.readTree(tokenizer.definition());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void write() {
        JsonNode model = document.path("model");
        if (!model.path("type").asText().equals("BPE")) {
            throw unsupported("it is of the type " + model.path("type").asText("(none)"));
        }
        boolean sentencePiece = model.path("byte_fallback").asBoolean();
        if (sentencePiece) {
            metadata.put(GgufVocabulary.MODEL, GgufValue.of("llama"));
            metadata.put(TokenizerDocuments.PRE, GgufValue.of("default"));
        } else {
            metadata.put(GgufVocabulary.MODEL, GgufValue.of("gpt2"));
            metadata.put(TokenizerDocuments.PRE, GgufValue.of(rule().kinds().getFirst()));
        }
        tokens(sentencePiece);
        if (sentencePiece) {
            metadata.put(GgufVocabulary.SCORES, scores());
            metadata.put(TokenizerDocuments.ADD_SPACE, GgufValue.of(addsSpace()));
        } else {
            metadata.put(TokenizerDocuments.MERGES, new GgufValue.Texts(merges()));
        }
        specials();
    }

    private PreTokenizers.Rule rule() {
        String normalizer = document.path("normalizer").path("type").asText("NFC");
        if (!normalizer.equals("NFC")
                && !document.path("normalizer").path("normalizers").isEmpty()) {
            throw unsupported("it changes texts by a normalizer of the type " + normalizer);
        }
        return PreTokenizers.of(document)
                .orElseThrow(() -> unsupported("its rule for cutting texts (pre_tokenizer) is none of "
                        + PreTokenizers.names()
                        + ", the ones that GGUF files can name"));
    }

    private GgufException unsupported(String why) {
        return new GgufException("The tokenizer can't be written to a GGUF file: " + why
                + ". Supported are byte-level BPE, and BPE with byte fallback (SentencePiece).");
    }

    private void tokens(boolean sentencePiece) {
        Map<Integer, JsonNode> added = new HashMap<>();
        for (JsonNode token : document.path("added_tokens")) {
            tokenizer.id(token.path("content").asText()).ifPresent(id -> added.put(id, token));
        }
        OptionalInt unknown =
                tokenizer.id(document.path("model").path("unk_token").asText());
        List<String> tokens = new ArrayList<>(rows);
        int[] kinds = new int[rows];
        for (int id = 0; id < rows; id++) {
            Optional<String> token = tokenizer.token(id);
            TokenKind kind = kind(token, Optional.ofNullable(added.get(id)), sentencePiece, unknown.orElse(-1) == id);
            kinds[id] = kind.ordinal();
            String text = token.orElse("[PAD" + id + "]");
            // llama.cpp looks for these as they stand in a text.
            tokens.add(kind == TokenKind.USER_DEFINED ? text.replace('▁', ' ') : text);
        }
        metadata.put(GgufVocabulary.TOKENS, new GgufValue.Texts(tokens));
        metadata.put(GgufVocabulary.TYPES, GgufValue.Numbers.of(kinds));
    }

    private static TokenKind kind(
            Optional<String> token, Optional<JsonNode> added, boolean sentencePiece, boolean unknown) {
        if (token.isEmpty()) {
            return TokenKind.UNUSED;
        }
        if (sentencePiece && unknown) {
            return TokenKind.UNKNOWN;
        }
        if (added.isPresent()) {
            boolean special = added.get().path("special").asBoolean()
                    || LOOKS_SPECIAL.matcher(token.get()).matches();
            return special ? TokenKind.CONTROL : TokenKind.USER_DEFINED;
        }
        return sentencePiece && BYTE.matcher(token.get()).matches() ? TokenKind.BYTE : TokenKind.NORMAL;
    }

    private List<String> merges() {
        List<String> merges = new ArrayList<>();
        for (JsonNode merge : document.path("model").path("merges")) {
            merges.add(
                    merge.isArray()
                            ? merge.path(0).asText() + " " + merge.path(1).asText()
                            : merge.asText());
        }
        return merges;
    }

    /// Scores in the order of the merges, as SentencePiece's own are: the earlier a token is made, the higher.
    /// What no merge makes (single characters, bytes, added tokens) is never compared.
    private GgufValue scores() {
        float[] scores = new float[rows];
        List<String> merges = merges();
        Arrays.fill(scores, -merges.size());
        for (int rank = merges.size() - 1; rank >= 0; rank--) {
            int made = rank;
            tokenizer.id(merges.get(rank).replaceFirst(" ", "")).ifPresent(id -> scores[id] = -made);
        }
        return GgufValue.Numbers.of(scores);
    }

    private boolean addsSpace() {
        for (JsonNode step : document.path("normalizer").findParents("type")) {
            if (step.path("type").asText().equals("Prepend")) {
                return true;
            }
        }
        JsonNode metaspace = document.path("pre_tokenizer");
        return metaspace.path("type").asText().equals("Metaspace")
                && !metaspace.path("prepend_scheme").asText("always").equals("never");
    }

    private void specials() {
        put("bos", tokenizer.bosTokenId());
        List<Integer> ends = tokenizer.eosTokenIds();
        List<String> roles = List.of("eos", "eot", "eom");
        for (int i = 0; i < Math.min(roles.size(), ends.size()); i++) {
            put(roles.get(i), OptionalInt.of(ends.get(i)));
        }
        put("unknown", tokenizer.unkTokenId());
        put("padding", tokenizer.padTokenId());
        int[] plain = tokenizer.encode("a");
        int[] whole = tokenizer.encodeWithSpecialTokens("a");
        boolean more = whole.length > plain.length;
        OptionalInt bos = tokenizer.bosTokenId();
        OptionalInt eos = tokenizer.eosTokenId();
        metadata.put(
                "tokenizer.ggml.add_bos_token", GgufValue.of(more && bos.isPresent() && whole[0] == bos.getAsInt()));
        metadata.put(
                "tokenizer.ggml.add_eos_token",
                GgufValue.of(more && eos.isPresent() && whole[whole.length - 1] == eos.getAsInt()));
    }

    private void put(String role, OptionalInt id) {
        id.ifPresent(value -> metadata.put("tokenizer.ggml." + role + "_token_id", GgufValue.of(value)));
    }
}
