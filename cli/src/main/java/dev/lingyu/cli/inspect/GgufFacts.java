package dev.lingyu.cli.inspect;

import dev.lingyu.model.ChatTemplate;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.gguf.GgufModel;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;

/// A GGUF file that holds a model.
final class GgufFacts {
    private GgufFacts() {}

    static Facts of(Path file) throws IOException {
        GgufModel model = GgufModel.open(file);
        ModelConfig config = ModelConfig.of(model.config(), file.toString());
        Facts facts = new Facts()
                .add("kind", "model, one GGUF file of version " + model.file().version());
        model.file().metadata().text("general.name").ifPresent(name -> facts.add("name", Facts.oneLine(name)));
        ModelFacts.family(config, facts);
        facts.add("parameters", Facts.count(config.parameterCount()));
        facts.add("weights", model.cost(model.usualType(), true));
        ModelFacts.shape(config.decoder(), facts);
        if (model.documents().isEmpty()) {
            facts.add("tokenizer", "none: takes and gives token ids");
        } else {
            try (Tokenizer tokenizer = Tokenizer.of(model.documents(), file.toString())) {
                ModelFacts.tokenizer(tokenizer, facts);
            }
        }
        ModelFacts.template(model.chatTemplate().map(source -> ChatTemplate.of(file.toString(), source)), facts);
        return facts;
    }
}
