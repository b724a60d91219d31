package dev.lingyu.model.gguf;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.gguf.GgufMetadata;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Writes the tokenizer in a GGUF file's metadata as the documents of a Hugging Face directory.
///
/// Two kinds are known: `gpt2`, byte-level BPE whose cutting rule has a name, and `llama`, SentencePiece's BPE
/// with scores and bytes for what no token spells.
final class TokenizerDocuments {
    static final String PRE = "tokenizer.ggml.pre";
    static final String MERGES = "tokenizer.ggml.merges";
    static final String ADD_SPACE = "tokenizer.ggml.add_space_prefix";
    static final String TEMPLATE = "tokenizer.chat_template";

    /// What ends an answer wherever it is a control token, as in llama.cpp.
    private static final List<String> ENDS = List.of(
            "<|eot_id|>",
            "<|im_end|>",
            "<|end|>",
            "<end_of_turn>",
            "<|endoftext|>",
            "<|end_of_text|>",
            "<|eom_id|>",
            "<EOT>",
            "</s>");

    /// Roles in `tokenizer_config.json` and what GGUF files call them; one of them with llama.cpp's spelling.
    private static final Map<String, String> ROLES = new LinkedHashMap<>();

    static {
        ROLES.put("bos", "bos");
        ROLES.put("eos", "eos");
        ROLES.put("unk", "unknown");
        ROLES.put("pad", "padding");
        ROLES.put("sep", "seperator");
        ROLES.put("mask", "mask");
    }

    private static final ObjectMapper JSON = new ObjectMapper();

    private final GgufVocabulary vocabulary;
    private final GgufMetadata metadata;

    private TokenizerDocuments(GgufVocabulary vocabulary) {
        this.vocabulary = vocabulary;
        this.metadata = vocabulary.metadata();
    }

    /// The documents by file name.
    ///
    /// @throws GgufException when the tokenizer is of a kind that this program does not know, or unsound
    static Map<String, byte[]> of(GgufVocabulary vocabulary) {
        return new TokenizerDocuments(vocabulary).write();
    }

    /// The chat template; of several the one without a name.
    static Optional<String> chatTemplate(GgufMetadata metadata) {
        return metadata.text(TEMPLATE);
    }

    private Map<String, byte[]> write() {
        String model = metadata.text(GgufVocabulary.MODEL).orElse("");
        ObjectNode tokenizer = switch (model) {
            case "gpt2" -> bpe();
            case "llama" -> sentencePiece();
            default ->
                throw new GgufException(
                        "%s has a tokenizer of the kind \"%s\" (metadata %s); supported are gpt2 and llama."
                                .formatted(metadata.file(), model, GgufVocabulary.MODEL));
        };
        Map<String, byte[]> documents = new LinkedHashMap<>();
        documents.put("tokenizer.json", bytes(tokenizer));
        documents.put("tokenizer_config.json", bytes(settings()));
        documents.put("generation_config.json", bytes(generation()));
        return documents;
    }

    private ObjectNode bpe() {
        String kind = metadata.text(PRE).orElse("default");
        PreTokenizers.Rule rule = PreTokenizers.named(kind)
                .orElseThrow(() -> new GgufException(
                        "%s cuts texts by the rule \"%s\" (metadata %s), which this program does not know; it knows %s."
                                .formatted(metadata.file(), kind, PRE, PreTokenizers.names())));
        ObjectNode root = root();
        root.set("normalizer", rule.nfc() ? JSON.createObjectNode().put("type", "NFC") : null);
        root.set("pre_tokenizer", rule.toJson());
        root.set("post_processor", postProcessor(rule.bos(), Optional.of(PreTokenizers.byteLevel())));
        root.set("decoder", PreTokenizers.byteLevel());
        ObjectNode model = model(false, null);
        model.put("ignore_merges", rule.wholeWords());
        ArrayNode merges = model.putArray("merges");
        metadata.texts(MERGES)
                .orElseThrow(() -> new GgufException(
                        "%s lists tokens for BPE, but no merges (metadata %s).".formatted(metadata.file(), MERGES)))
                .forEach(merges::add);
        root.set("model", model);
        return root;
    }

    private ObjectNode sentencePiece() {
        boolean space = metadata.flag(ADD_SPACE).orElse(true);
        ObjectNode root = root();
        ObjectNode normalizer = root.putObject("normalizer").put("type", "Sequence");
        ArrayNode steps = normalizer.putArray("normalizers");
        if (space) {
            steps.addObject().put("type", "Prepend").put("prepend", "▁");
        }
        replace(steps.addObject(), " ", "▁");
        root.putNull("pre_tokenizer");
        root.set("post_processor", postProcessor(true, Optional.empty()));
        ObjectNode decoder = root.putObject("decoder").put("type", "Sequence");
        ArrayNode back = decoder.putArray("decoders");
        replace(back.addObject(), "▁", " ");
        back.addObject().put("type", "ByteFallback");
        back.addObject().put("type", "Fuse");
        if (space) {
            back.addObject()
                    .put("type", "Strip")
                    .put("content", " ")
                    .put("start", 1)
                    .put("stop", 0);
        }
        OptionalInt unknown = vocabulary.special("unknown");
        ObjectNode model = model(true, unknown.isPresent() ? vocabulary.token(unknown.getAsInt()) : null);
        model.set("merges", SentencePieceMerges.of(vocabulary));
        root.set("model", model);
        return root;
    }

    private static void replace(ObjectNode step, String from, String to) {
        step.put("type", "Replace");
        step.putObject("pattern").put("String", from);
        step.put("content", to);
    }

    private ObjectNode root() {
        ObjectNode root = JSON.createObjectNode().put("version", "1.0");
        root.putNull("truncation");
        root.putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        for (int id = 0; id < vocabulary.size(); id++) {
            TokenKind kind = vocabulary.kind(id);
            if (kind.isAdded()) {
                added.addObject()
                        .put("id", id)
                        .put("content", vocabulary.token(id))
                        .put("single_word", false)
                        .put("lstrip", false)
                        .put("rstrip", false)
                        .put("normalized", false)
                        .put("special", kind != TokenKind.USER_DEFINED);
            }
        }
        return root;
    }

    /// Padding of the embedding (`[PAD7]`, unused) is no token; a text that spells it must not become it.
    private ObjectNode model(boolean byteFallback, @Nullable String unknown) {
        ObjectNode model = JSON.createObjectNode().put("type", "BPE");
        model.putNull("dropout");
        model.put("unk_token", unknown);
        model.putNull("continuing_subword_prefix");
        model.putNull("end_of_word_suffix");
        model.put("fuse_unk", byteFallback);
        model.put("byte_fallback", byteFallback);
        ObjectNode tokens = model.putObject("vocab");
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.kind(id) != TokenKind.UNUSED) {
                tokens.put(vocabulary.token(id), id);
            }
        }
        return model;
    }

    private ObjectNode postProcessor(boolean usualBos, Optional<ObjectNode> otherwise) {
        OptionalInt bos = vocabulary.special("bos");
        OptionalInt eos = vocabulary.special("eos");
        boolean addsBos = bos.isPresent() && vocabulary.adds("bos", usualBos);
        boolean addsEos = eos.isPresent() && vocabulary.adds("eos", false);
        ObjectNode template = JSON.createObjectNode().put("type", "TemplateProcessing");
        for (String name : List.of("single", "pair")) {
            ArrayNode pieces = template.putArray(name);
            for (int text = 0; text < (name.equals("single") ? 1 : 2); text++) {
                if (addsBos) {
                    special(pieces, vocabulary.token(bos.getAsInt()), text);
                }
                pieces.addObject()
                        .putObject("Sequence")
                        .put("id", text == 0 ? "A" : "B")
                        .put("type_id", text);
                if (addsEos) {
                    special(pieces, vocabulary.token(eos.getAsInt()), text);
                }
            }
        }
        ObjectNode specials = template.putObject("special_tokens");
        if (addsBos) {
            define(specials, bos.getAsInt());
        }
        if (addsEos) {
            define(specials, eos.getAsInt());
        }
        if (!addsBos && !addsEos) {
            return otherwise.orElse(template);
        }
        return template;
    }

    private static void special(ArrayNode pieces, String token, int text) {
        pieces.addObject().putObject("SpecialToken").put("id", token).put("type_id", text);
    }

    private void define(ObjectNode specials, int id) {
        ObjectNode token = specials.putObject(vocabulary.token(id)).put("id", vocabulary.token(id));
        token.putArray("ids").add(id);
        token.putArray("tokens").add(vocabulary.token(id));
    }

    /// `tokenizer_config.json`. The generic class takes `tokenizer.json` as it stands.
    private ObjectNode settings() {
        ObjectNode settings = JSON.createObjectNode().put("tokenizer_class", "PreTrainedTokenizerFast");
        ROLES.forEach((role, key) ->
                vocabulary.special(key).ifPresent(id -> settings.put(role + "_token", vocabulary.token(id))));
        settings.put("clean_up_tokenization_spaces", false);
        chatTemplate(metadata).ifPresent(template -> settings.put("chat_template", template));
        return settings;
    }

    private ObjectNode generation() {
        ObjectNode generation = JSON.createObjectNode();
        vocabulary.special("bos").ifPresent(id -> generation.put("bos_token_id", id));
        vocabulary.special("padding").ifPresent(id -> generation.put("pad_token_id", id));
        Set<Integer> ends = new LinkedHashSet<>();
        List.of("eos", "eot", "eom").forEach(role -> vocabulary.special(role).ifPresent(ends::add));
        for (String end : ENDS) {
            vocabulary.id(end).ifPresent(id -> {
                if (vocabulary.kind(id) == TokenKind.CONTROL) {
                    ends.add(id);
                }
            });
        }
        if (ends.size() == 1) {
            generation.put("eos_token_id", ends.iterator().next());
        } else if (!ends.isEmpty()) {
            ends.forEach(generation.putArray("eos_token_id")::add);
        }
        return generation;
    }

    private static byte[] bytes(ObjectNode document) {
        try {
            // Not writeValueAsBytes: Jackson escapes what lies beyond 16 bits there, and can't read that back in a
            // name.
            return JSON.writeValueAsString(document).getBytes(StandardCharsets.UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
