package dev.lingyu.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatTemplate;
import dev.lingyu.model.ChatTemplates;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.WeightQuantization;
import dev.lingyu.model.adapter.AdapterConfig;
import dev.lingyu.model.tokenizer.Tokenizer;
import dev.lingyu.model.tokenizer.TokenizerEdit;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Opens the model that a config starts from: a directory's weights, or fresh ones in a given shape.
final class ModelSource {
    private ModelSource() {}

    static LanguageModel open(TrainConfig config) {
        TrainConfig.Model m = config.model();
        LanguageModel model = m.scratch() ? fresh(config) : enlarged(existing(config), config);
        LanguageModel named =
                m.template().isPresent() ? model.withChatTemplate(m.template().get()) : model;
        return m.defaultSystem().isPresent() || m.toolFormat().isPresent()
                ? named.withChatTemplate(adjusted(m, named.chatTemplate().orElseGet(ModelSource::otherwise)))
                : named;
    }

    private static ChatTemplate otherwise() {
        return ChatTemplates.named(ChatTemplates.DEFAULT);
    }

    private static ChatTemplate adjusted(TrainConfig.Model m, ChatTemplate template) {
        ChatTemplate withTools = m.toolFormat()
                .map(format -> ChatTemplates.withTools(m.template().orElseThrow(), format))
                .orElse(template);
        return m.defaultSystem().map(withTools::withDefaultSystem).orElse(withTools);
    }

    /// What makes rows for that model, without its weights: the same tokenizer and template. The caller
    /// closes the tokenizer.
    static ChatEncoder encoder(TrainConfig config) {
        TrainConfig.Model m = config.model();
        Path directory = m.scratch() ? m.tokenizer().or(m::path).orElseThrow() : tokenizerDirectory(config);
        Tokenizer tokenizer = Tokenizer.open(directory);
        ChatTemplate template = m.template().isPresent()
                ? ChatTemplates.fitting(m.template().get(), tokenizer)
                : ChatTemplate.read(directory).orElseGet(ModelSource::otherwise);
        return ChatEncoder.of(tokenizer, adjusted(m, template));
    }

    private static LanguageModel existing(TrainConfig config) {
        TrainConfig.Model m = config.model();
        Tuning tuning = config.tuning();
        Path directory = m.path().orElseThrow();
        if (AdapterConfig.isPresent(directory)) {
            throw TrainException.input(directory + " is an adapter: give its base model as model_name_or_path, and the "
                    + "adapter as adapter_name_or_path.");
        }
        boolean full = tuning instanceof Tuning.Full;
        checkMemory(ModelConfig.read(directory), config, full);
        // What is trained moves to memory of its own; the rest may stay where the file is mapped.
        LanguageModel.Options plain = new LanguageModel.Options(Optional.of(m.dtype()), m.device(), full).unpacked();
        return LanguageModel.open(
                directory,
                m.quantization()
                        .map(WeightQuantization::ofBlocks)
                        .map(plain::quantized)
                        .orElse(plain));
    }

    /// Gives the embedding rows for the tokens that the config adds.
    private static LanguageModel enlarged(LanguageModel model, TrainConfig config) {
        TrainConfig.Vocabulary vocabulary = config.model().vocabulary();
        if (!vocabulary.resize()) {
            return model;
        }
        if (!(config.tuning() instanceof Tuning.Full)) {
            model.close();
            throw TrainException.input(
                    "resize_vocab and add_tokens need finetuning_type: full: an adapter alone can't hold "
                            + "the new rows. Enlarge the model first (lingyu tokenizer extend), then train the adapter on that.");
        }
        return model.withTokenizer(
                Tokenizer.open(tokenizerDirectory(config)), vocabulary.multiple(), token -> new int[0]);
    }

    /// Where the tokenizer of an existing model lies. One with added tokens goes to the output directory
    /// right away: it is copied from there with every checkpoint.
    private static Path tokenizerDirectory(TrainConfig config) {
        TrainConfig.Model m = config.model();
        TrainConfig.Vocabulary vocabulary = m.vocabulary();
        Path own = m.path().orElseThrow();
        Path directory = vocabulary.resize() ? m.tokenizer().orElse(own) : own;
        List<String> special = new ArrayList<>(vocabulary.special());
        if (vocabulary.resize() && m.template().isPresent()) {
            special.addAll(missingStops(m.template().get(), directory));
        }
        if (vocabulary.tokens().isEmpty() && special.isEmpty()) {
            return directory;
        }
        TokenizerEdit.of(directory)
                .add(special, true)
                .add(vocabulary.tokens(), false)
                .save(config.output().directory());
        return config.output().directory();
    }

    /// What ends answers in a template and is no token yet.
    private static List<String> missingStops(String template, Path tokenizerDirectory) {
        try (Tokenizer tokenizer = Tokenizer.open(tokenizerDirectory)) {
            return ChatTemplates.stopTokens(template).stream()
                    .filter(token -> tokenizer.id(token).isEmpty())
                    .toList();
        }
    }

    /// Refuses a model that can't fit before its weights take what is there; rows are not known yet, nor how
    /// much of the model is trained unless it is all of it.
    private static void checkMemory(ModelConfig shape, TrainConfig config, boolean full) {
        TrainConfig.Model m = config.model();
        if (m.device().equals(Device.CPU)) {
            long all = shape.parameterCount();
            long bits = m.quantization()
                    .map(rounded -> (long) rounded.bits())
                    .orElse(8L * m.dtype().byteSize());
            long trainable = full ? all : 0;
            MemoryPlan.Weights weights = new MemoryPlan.Weights(
                    all * bits / 8,
                    trainable,
                    m.dtype() == DType.F32 ? 0 : trainable,
                    config.steps().optimizer().kind());
            MemoryPlan.of(shape.decoder(), m.dtype(), weights, 0, 0, true).check();
        }
    }

    private static LanguageModel fresh(TrainConfig config) {
        TrainConfig.Model m = config.model();
        Path tokenizerDirectory = m.tokenizer().or(m::path).orElseThrow();
        Tokenizer tokenizer = Tokenizer.open(tokenizerDirectory);
        ModelConfig shape;
        if (m.shape().isPresent()) {
            ObjectNode json = m.shape().get().deepCopy();
            if (!json.has("vocab_size")) {
                // A multiple of 64 keeps the rows of the head aligned.
                json.put("vocab_size", (tokenizer.vocabularySize() + 63) / 64 * 64);
            }
            tokenizer.bosTokenId().ifPresent(id -> json.put("bos_token_id", id));
            tokenizer.eosTokenId().ifPresent(id -> json.put("eos_token_id", id));
            tokenizer.padTokenId().ifPresent(id -> json.put("pad_token_id", id));
            shape = ModelConfig.of(json, "model_config");
        } else {
            shape = ModelConfig.read(m.path().orElseThrow());
        }
        checkMemory(shape, config, true);
        Optional<ChatTemplate> template = ChatTemplate.read(tokenizerDirectory);
        LanguageModel model = LanguageModel.create(
                shape,
                tokenizer,
                Optional.of(template.orElseGet(ModelSource::otherwise)),
                m.dtype(),
                config.steps().seed());
        model.decoder().moveTo(m.device());
        return model;
    }
}
