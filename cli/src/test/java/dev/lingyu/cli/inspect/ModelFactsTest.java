package dev.lingyu.cli.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.ConfigJson;
import dev.lingyu.model.DecoderConfig;
import dev.lingyu.model.Families;
import dev.lingyu.model.Family;
import dev.lingyu.model.ModelConfig;
import dev.lingyu.model.Part;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ModelFactsTest {
    /// LLaMA under another name, as a family looks before anyone compared it.
    private record NeverCompared(Family family) implements Family {
        @Override
        public String modelType() {
            return family.modelType();
        }

        @Override
        public String title() {
            return "Newcomer";
        }

        @Override
        public String architecture() {
            return family.architecture();
        }

        @Override
        public DecoderConfig read(ConfigJson json) {
            return family.read(json);
        }

        @Override
        public void write(DecoderConfig config, ObjectNode json) {
            family.write(config, json);
        }

        @Override
        public Map<Part, String> names() {
            return family.names();
        }

        @Override
        public boolean verified() {
            return false;
        }
    }

    @Test
    void aFamilyThatWasNeverComparedIsCalledUnverified() throws Exception {
        ObjectNode fields = (ObjectNode) new ObjectMapper().readTree("""
                {"model_type":"llama","vocab_size":8,"hidden_size":8,"intermediate_size":8,"num_hidden_layers":1,
                 "num_attention_heads":2}""");
        ModelConfig llama = ModelConfig.of(fields, "config.json");
        ModelConfig newcomer = new ModelConfig(
                new NeverCompared(llama.family()), llama.decoder(), llama.tokens(), llama.dtype(), llama.source());
        Facts facts = new Facts();
        ModelFacts.family(newcomer, facts);
        assertThat(facts.toString()).contains("Newcomer", "unverified: no reference was at hand");
    }

    @Test
    void everyFamilyOfThisProgramWasCompared() {
        assertThat(Families.all()).allMatch(Family::verified);
    }
}
