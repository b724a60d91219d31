package dev.lingyu.model.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AdapterConfigTest {
    private static final String Q = "model.layers.1.self_attn.q_proj";

    @TempDir
    Path directory;

    private AdapterConfig read(String fields) throws IOException {
        Files.writeString(
                directory.resolve("adapter_config.json"),
                "{\"peft_type\":\"LORA\",\"target_modules\":[\"q_proj\"]" + fields + "}");
        return AdapterConfig.read(directory);
    }

    @Test
    void aListMeansWholeNamesOrTheirEndsAfterADot() {
        TargetModules targets =
                TargetModules.of(new TargetModules.Names(List.of("q_proj", "model.layers.0.mlp.up_proj")));
        assertThat(targets.selects(Q, false, List.of())).isTrue();
        assertThat(targets.selects("model.layers.0.mlp.up_proj", false, List.of()))
                .isTrue();
        assertThat(targets.selects("model.layers.1.mlp.up_proj", false, List.of()))
                .isFalse();
        assertThat(targets.selects("model.layers.1.self_attn.faq_proj", false, List.of()))
                .isFalse();
    }

    @Test
    void aTextIsARegularExpressionForTheWholeName() throws IOException {
        LoraConfig lora = (LoraConfig) read(",\"target_modules\":\".*layers\\\\.1\\\\..*_proj\"");
        assertThat(lora.targets().selects(Q, false, List.of())).isTrue();
        assertThat(lora.targets().selects("model.layers.0.self_attn.q_proj", false, List.of()))
                .isFalse();
        assertThat(lora.targets().selects(Q + ".inner", false, List.of())).isFalse();
    }

    @Test
    void allLinearLeavesTheHeadOut() throws IOException {
        TargetModules targets = read(",\"target_modules\":\"all-linear\"").targets();
        assertThat(targets.selects(Q, false, List.of())).isTrue();
        assertThat(targets.selects("lm_head", true, List.of())).isFalse();
    }

    @Test
    void blocksExclusionsAndWholeModulesLimitTheChoice() throws IOException {
        TargetModules targets =
                read(",\"layers_to_transform\":[1,3],\"exclude_modules\":[\"layers.3.self_attn.q_proj\"]")
                        .targets();
        assertThat(targets.selects(Q, false, List.of())).isTrue();
        assertThat(targets.selects("model.layers.2.self_attn.q_proj", false, List.of()))
                .isFalse();
        assertThat(targets.selects("model.layers.3.self_attn.q_proj", false, List.of()))
                .isFalse();
        assertThat(targets.selects(Q, false, List.of("self_attn"))).isFalse();
        assertThat(targets.selects(Q, false, List.of("attn"))).isTrue();
        TargetModules named =
                read(",\"layers_to_transform\":1,\"layers_pattern\":\"layers\"").targets();
        assertThat(named.selects(Q, false, List.of())).isTrue();
        assertThat(named.selects("transformer.h.1.q_proj", false, List.of())).isFalse();
    }

    @Test
    void patternsGiveSomeModulesTheirOwnRankAndScale() throws IOException {
        LoraConfig lora = (LoraConfig) read(
                ",\"r\":4,\"lora_alpha\":8,\"rank_pattern\":{\"q_proj\":2},\"alpha_pattern\":{\"layers.0.q_proj\":16}");
        assertThat(lora.rankOf("model.layers.0.q_proj")).isEqualTo(2);
        assertThat(lora.scaleOf("model.layers.0.q_proj")).isEqualTo(8);
        assertThat(lora.scaleOf("model.layers.1.q_proj")).isEqualTo(4);
        assertThat(lora.scaleOf("model.layers.1.k_proj")).isEqualTo(2);
        assertThat(lora.rankOf("model.layers.0.faq_proj")).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"use_qalora\":true",
                "\"layer_replication\":[[0,4],[2,5]]",
                "\"lora_bias\":true",
                "\"trainable_token_indices\":[1]",
                "\"target_parameters\":[\"mlp.experts\"]",
                "\"init_lora_weights\":\"pissa_niter_16\"",
                "\"an_option_of_tomorrow\":{\"x\":1}"
            })
    void anOptionThatChangesTheResultAndIsNotBuiltIsRefusedByName(String field) {
        assertThatThrownBy(() -> read("," + field))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining(field.substring(0, field.indexOf(':')))
                .hasMessageContaining("adapter_config.json")
                .hasMessageContaining("merge");
    }

    @ParameterizedTest
    @ValueSource(strings = {"LOHA", "PREFIX_TUNING", "lora"})
    void anotherKindIsRefusedByName(String type) throws IOException {
        Files.writeString(directory.resolve("adapter_config.json"), "{\"peft_type\":\"" + type + "\"}");
        assertThatThrownBy(() -> AdapterConfig.read(directory))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining("peft_type")
                .hasMessageContaining(type);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "\"r\":0; r",
                "\"r\":\"8\"; r",
                "\"bias\":\"some\"; bias",
                "\"target_modules\":7; target_modules",
                "\"target_modules\":null; target_modules",
                "\"rank_pattern\":{\"q\":-1}; rank_pattern",
                "\"target_modules\":\"(q\"; (q",
                "\"use_dora\":\"yes\"; use_dora",
                "\"lora_dropout\":1; dropout"
            })
    void aFieldOfTheWrongKindIsNamed(String field, String named) {
        assertThatThrownBy(() -> read("," + field))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining(named);
    }

    @Test
    void aConfigWrittenAndReadAgainIsTheSame() throws IOException {
        LoraConfig lora = new LoraConfig(
                6,
                1.5,
                0.05,
                new TargetModules(
                        new TargetModules.Names(List.of("q_proj", "v_proj")),
                        Optional.of(new TargetModules.Names(List.of("layers.0.v_proj"))),
                        List.of(0, 1),
                        List.of("layers")),
                List.of("embed_tokens"),
                LoraConfig.Bias.LORA_ONLY,
                true,
                true,
                java.util.Map.of("q_proj", 2.0),
                java.util.Map.of("v_proj", 0.5),
                true,
                Optional.of("../base"));
        new ObjectMapper()
                .writeValue(directory.resolve("adapter_config.json").toFile(), lora.toJson(List.of(Q), false));
        assertThat(AdapterConfig.read(directory)).isEqualTo(lora);
    }

    @Test
    void theBaseIsLookedForBesideTheAdapterThenWhereTheCommandRuns() throws IOException {
        Path adapter = Files.createDirectories(directory.resolve("runs/lora"));
        Files.writeString(
                adapter.resolve("adapter_config.json"),
                "{\"peft_type\":\"LORA\",\"base_model_name_or_path\":\"../../base\",\"target_modules\":[\"q_proj\"]}");
        assertThatThrownBy(() -> AdapterConfig.baseOf(adapter))
                .isInstanceOf(AdapterException.class)
                .hasMessageContaining("../../base")
                .hasMessageContaining("--adapter");
        Files.createDirectories(directory.resolve("base"));
        assertThat(AdapterConfig.baseOf(adapter)).isEqualTo(directory.resolve("base"));
    }
}
