package dev.lingyu.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What is particular to one family of models: how its `config.json` reads and how its weights are called.
/// Nothing else may differ; everything it needs is in [DecoderConfig].
public interface Family {
    /// The `model_type` in `config.json`.
    String modelType();

    /// Whether a `config.json` of this `model_type` belongs here, where several families share the type.
    default boolean claims(ConfigJson json) {
        return true;
    }

    /// How people call the family, for tables and messages.
    String title();

    /// The class in `architectures`, as transformers calls it.
    String architecture();

    /// Reads a `config.json`.
    ///
    /// @throws ModelException naming the field that is missing or has an unusable value
    DecoderConfig read(ConfigJson json);

    /// Writes the fields that [#read] needs.
    void write(DecoderConfig config, ObjectNode json);

    /// The name of each part in the files, without `.weight` and `.bias`; `%d` is the layer.
    Map<Part, String> names();

    /// The tokens that end a text where `config.json` names none.
    default List<Integer> usualEndTokens() {
        return List.of();
    }

    /// The field of `config.json` that holds the vocabulary's size.
    default String vocabularySizeField() {
        return "vocab_size";
    }

    /// The parts whose matrices files hold as [in × out] instead of [out × in]: GPT-2's Conv1D. In memory
    /// every matrix is [out × in].
    default Set<Part> transposedInFiles() {
        return Set.of();
    }

    /// A prefix of weight names that files may also lack, such as `transformer.`; empty where there is none.
    default String optionalPrefix() {
        return "";
    }

    /// Names (suffixes) of tensors that old files hold and that are computed, not trained.
    default boolean isComputed(String name) {
        return name.endsWith(".attn.bias") || name.endsWith(".masked_bias") || name.endsWith("rotary_emb.inv_freq");
    }

    /// Whether logits were compared with a reference.
    default boolean verified() {
        return true;
    }
}
