package dev.lingyu.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.Engine;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/// A model under the name by which clients ask for it.
///
/// @param id          the value of `model`
/// @param engine      what runs it
/// @param created     when it was put up [seconds since 1970]
/// @param fingerprint changes when answers to the same request and seed may change
/// @param parent      the model that it is an adapter to
record ServedModel(String id, Engine engine, long created, String fingerprint, Optional<String> parent) {

    static ServedModel of(String id, Engine engine, long created, Optional<String> parent) {
        return new ServedModel(id, engine, created, fingerprint(engine.model()), parent);
    }

    LanguageModel model() {
        return engine.model();
    }

    Optional<Tokenizer> tokenizer() {
        return engine.model().tokenizer();
    }

    /// An entry of `GET /v1/models`.
    ObjectNode describe() {
        ObjectNode node = Json.object();
        node.put("id", id).put("object", "model").put("created", created).put("owned_by", "lingyu");
        node.put("root", parent.orElse(id)).put("parent", parent.orElse(null));
        return node.put("max_model_len", engine.contextLength());
    }

    /// Refuses an id that the vocabulary does not have.
    void checkToken(String field, int id) {
        int vocabulary = model().decoder().config().vocabularySize();
        if (id < 0 || id >= vocabulary) {
            throw ApiException.field(
                    field,
                    "The field '%s' names token %d; this model has the ids 0 to %d."
                            .formatted(field, id, vocabulary - 1));
        }
    }

    private static String fingerprint(LanguageModel model) {
        String what = model.config().toJson(model.config().dtype())
                + model.tokenizer().map(Tokenizer::digest).orElse("")
                + model.chatTemplate().map(t -> t.digest()).orElse("")
                + (model.decoder().adapters().inUse().isEmpty()
                        ? ""
                        : model.decoder().adapters().inUse());
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(what.getBytes(StandardCharsets.UTF_8));
            return "fp_" + HexFormat.of().formatHex(digest, 0, 5);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime has SHA-256", e);
        }
    }
}
