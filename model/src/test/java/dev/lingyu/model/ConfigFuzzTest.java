package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.statistics.Statistics;

/// A damaged `config.json` is a model or a sentence, and never anything else.
class ConfigFuzzTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> WHOLE = List.of(
            "{'model_type':'bloom','vocab_size':64,'hidden_size':16,'n_layer':2,'n_head':2,'torch_dtype':'bfloat16'}",
            "{'model_type':'llama','vocab_size':64,'hidden_size':16,'num_hidden_layers':2,'num_attention_heads':4,"
                    + "'num_key_value_heads':2,'intermediate_size':32,'rms_norm_eps':1e-6,'hidden_act':'silu','eos_token_id':[2,3],"
                    + "'rope_parameters':{'rope_type':'llama3','factor':4.0,'low_freq_factor':1.0,'high_freq_factor':4.0,"
                    + "'original_max_position_embeddings':32,'rope_theta':500000.0}}",
            "{'model_type':'qwen3','vocab_size':64,'hidden_size':16,'num_hidden_layers':2,'num_attention_heads':4,'head_dim':8,"
                    + "'num_key_value_heads':2,'intermediate_size':32,'rope_scaling':{'type':'dynamic','factor':2.0},'sliding_window':null}",
            "{'model_type':'mistral','vocab_size':64,'hidden_size':16,'num_hidden_layers':2,'num_attention_heads':4,"
                    + "'num_key_value_heads':1,'intermediate_size':32,'sliding_window':8}",
            "{'model_type':'gpt2','vocab_size':64,'n_embd':16,'n_layer':2,'n_head':2,'n_positions':32}",
            "{'model_type':'chatglm','padded_vocab_size':64,'hidden_size':16,'num_layers':2,'num_attention_heads':4,'ffn_hidden_size':32,"
                    + "'kv_channels':4,'multi_query_attention':true,'multi_query_group_num':2,'seq_length':32,'add_qkv_bias':true}");
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "0",
            "-1",
            "1.5",
            "1e400",
            "2147483648",
            "99999999999999999999",
            "'x'",
            "''",
            "[]",
            "[1,'a']",
            "{}",
            "{'type':'magic'}",
            "7",
            "3");

    @Property(tries = 4000)
    void aDamagedConfigIsReadOrRefusedInASentence(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        Path directory = Files.createTempDirectory("config-fuzz");
        Path file = directory.resolve("config.json");
        try {
            Files.write(file, damaged(random));
            ModelConfig config = ModelConfig.read(directory);
            Statistics.label("config.json").collect("read");
            assertThat(config.decoder().layers()).isPositive();
            // What was read can be planned for: no weights are made.
            assertThat(config.toJson(config.dtype())).isNotEmpty();
        } catch (ModelException e) {
            Statistics.label("config.json").collect("refused");
            assertThat(e.getMessage()).isNotBlank().doesNotContain("\n").endsWith(".");
        } finally {
            Files.deleteIfExists(file);
            Files.delete(directory);
        }
    }

    @Example
    void theConfigsAreSoundBeforeTheyAreDamaged() throws IOException {
        for (String whole : WHOLE) {
            ObjectNode fields = (ObjectNode) JSON.readTree(whole.replace('\'', '"'));
            assertThat(ModelConfig.of(fields, "whole").decoder().layers()).isEqualTo(2);
        }
    }

    private static byte[] damaged(Random random) throws IOException {
        String whole = WHOLE.get(random.nextInt(WHOLE.size())).replace('\'', '"');
        if (random.nextInt(3) == 0) {
            byte[] bytes = whole.getBytes(StandardCharsets.UTF_8);
            for (int i = random.nextInt(4); i >= 0; i--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            return random.nextBoolean() ? bytes : java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
        }
        ObjectNode root = (ObjectNode) JSON.readTree(whole);
        for (int i = random.nextInt(3); i >= 0; i--) {
            ObjectNode node = root;
            List<String> names = new ArrayList<>();
            root.fieldNames().forEachRemaining(names::add);
            if (names.isEmpty()) {
                break;
            }
            String name = names.get(random.nextInt(names.size()));
            if (random.nextInt(5) == 0) {
                node.remove(name);
            } else {
                JsonNode value =
                        JSON.readTree(VALUES.get(random.nextInt(VALUES.size())).replace('\'', '"'));
                node.set(name, value);
            }
        }
        return JSON.writeValueAsBytes(root);
    }
}
