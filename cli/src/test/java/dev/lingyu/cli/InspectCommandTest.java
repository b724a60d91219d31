package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
    @TempDir
    private Path folder;

    private Path model;

    @BeforeEach
    void makeAModel() throws IOException {
        model = TinyModel.write(folder.resolve("tiny"));
    }

    @Test
    void aModelDirectoryIsDescribed() throws IOException {
        Files.writeString(model.resolve("run.json"), """
                {"stage":"sft","seed":42,"parents":{"model":"base","model_sha256":"ab12"},
                 "metrics":{"loss":1.25},"config":{"x":1}}""");
        Invocation run = Invocation.of("inspect", model);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(facts(run))
                .contains("family LLaMA (model_type llama)")
                .contains("architecture LlamaForCausalLM")
                .contains("dtype float32")
                .contains("layers 2")
                .contains("heads 2 of 8, 1 of keys and values")
                .contains("hidden size 16, feed-forward 24")
                .contains("positions RoPE, theta 10,000, up to 96 tokens")
                .contains("chat template none")
                .contains("metrics loss: 1.25")
                .contains("parents model: base")
                .contains("model_sha256: ab12")
                .contains("stage sft")
                .contains("seed 42")
                .anyMatch(fact -> fact.startsWith("special tokens begin <s> (1), end </s> (2), pad <pad> (3)"))
                .anyMatch(fact -> fact.startsWith("tokenizer BPE, byte-level, 278 tokens, sha256 "))
                .anyMatch(fact -> fact.startsWith("model.safetensors "));
    }

    @Test
    void parametersAreCountedByPart() {
        // Embedding and head 304 × 16; a block 2 norms, q 16×16, k v 8×16, o 16×16, three of 24×16; a final norm.
        assertThat(facts(Invocation.of("inspect", model)))
                .contains(
                        "parameters " + String.format("%,d", 2 * 304 * 16 + 2 * (32 + 256 + 256 + 256 + 3 * 384) + 16))
                .contains("embedding: 4,864", "head: 4,864", "blocks: 3,904", "final norm: 16");
    }

    @Test
    void anAdapterIsRecognised() throws IOException {
        Path adapter = Files.createDirectory(folder.resolve("adapter"));
        Files.writeString(adapter.resolve("adapter_config.json"), """
                {"peft_type":"LORA","base_model_name_or_path":"../base","r":8,"lora_alpha":16,
                 "target_modules":["q_proj","v_proj"],"use_dora":true}""");
        try (Scope scope = Scope.open()) {
            SafetensorsWriter.write(
                    adapter.resolve("adapter_model.safetensors"),
                    Map.of("base_model.model.q_proj.lora_A.weight", Tensor.zeros(DType.F32, 8, 16)),
                    Map.of());
        }
        Invocation run = Invocation.of("inspect", adapter);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(facts(run))
                .contains("kind PEFT adapter", "type LORA", "base model ../base", "rank 8", "alpha 16", "use_dora true")
                .contains("target modules [\"q_proj\",\"v_proj\"]", "parameters 128");
    }

    @Test
    void aDatasetIsCountedAndSampled() throws IOException {
        Path data = Files.writeString(folder.resolve("faq.jsonl"), """
                {"conversations":[{"from":"human","value":"七天退货吗"},{"from":"gpt","value":"可以"}]}
                {"conversations":[{"from":"human","value":"发票呢"},{"from":"gpt","value":"随货"}]}
                {"conversations":"bad"}
                """);
        Invocation run = Invocation.of("inspect", data);
        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(facts(run))
                .contains("layout conversations", "rows 3", "examples 2")
                .contains("sample user: 七天退货吗", "assistant: 可以")
                .anyMatch(fact -> fact.contains("row 3"));
    }

    @Test
    void aModelScopeDirectoryIsDescribed() throws IOException {
        Path directory = Files.createDirectory(folder.resolve("damo"));
        String model = """
                {"type":"gpt3","vocab_size":304,"hidden_size":16,"num_hidden_layers":2,"num_attention_heads":2,"fp16":true}""";
        Files.writeString(directory.resolve("configuration.json"), "{\"model\":" + model + "}");
        assertThat(facts(Invocation.of("inspect", directory)))
                .contains("family GPT-3 (Megatron layout) (model_type gpt3)", "dtype float16 (says config.json)")
                .contains("verified logits and decodings of this family were compared with a reference's")
                .anyMatch(fact -> fact.startsWith("parameters none"));

        Files.writeString(directory.resolve("config.json"), model.replace("\"type\":\"gpt3\",", ""));
        Files.writeString(directory.resolve("configuration.json"), "{\"model\":{\"type\":\"gpt3\"}}");
        assertThat(facts(Invocation.of("inspect", directory))).contains("positions learned, up to 2,048 tokens");
    }

    @Test
    void anEncoderIsDescribedAndSaysThatItWasCompared() throws IOException {
        Path encoder = Files.createDirectory(folder.resolve("encoder"));
        Files.writeString(encoder.resolve("config.json"), """
                {"model_type":"xlm-roberta","vocab_size":48,"hidden_size":16,"intermediate_size":24,"pad_token_id":1,
                 "num_hidden_layers":2,"num_attention_heads":4,"max_position_embeddings":20,"type_vocab_size":1}""");
        assertThat(facts(Invocation.of("inspect", encoder)))
                .contains("family XLM-RoBERTa (model_type xlm-roberta)", "positions learned, up to 18 tokens")
                .anyMatch(fact -> fact.startsWith("verified hidden states"))
                .anyMatch(fact -> fact.startsWith("parameters none"));
        try (Scope scope = Scope.open()) {
            Map<String, Tensor> weights = Map.of("embeddings.word_embeddings.weight", Tensor.zeros(DType.F32, 48, 16));
            SafetensorsWriter.writeSharded(encoder, weights, 1 << 20);
        }
        assertThat(facts(Invocation.of("inspect", encoder))).contains("parameters 768", "dtype float32", "layers 2");
    }

    @Test
    void wrongInputIsRefusedInASentence() throws IOException {
        refuses(folder.resolve("nowhere"), "nowhere does not exist");
        refuses(Files.createDirectory(folder.resolve("empty")), "is an empty folder; expected a model (config.json)");
        Files.writeString(model.resolve("config.json"), "{\"model_type\":\"t5\"}");
        refuses(model, "Unknown \"model_type\" \"t5\"", "Supported: bloom, llama");
        Files.writeString(model.resolve("config.json"), "{\"model_type\"");
        refuses(model, "config.json is not valid JSON");
        refuses(Files.writeString(folder.resolve("x.gguf"), "GGUF"), "x.gguf is cut off: 4 bytes are no GGUF file");
        refuses(Files.writeString(folder.resolve("x.pt"), "PK"), "does not read yet");
    }

    @Test
    void truncatedWeightsAreRefused() throws IOException {
        Path weights = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length - 100));
        refuses(model, "model.safetensors");
    }

    private static void refuses(Path path, String... words) {
        Invocation run = Invocation.of("inspect", path);
        assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
        assertThat(run.err()).contains(words).hasLineCount(1);
        assertThat(run.out()).isEmpty();
    }

    /// The lines with the columns set apart by one space.
    private static Stream<String> lines(Invocation run) {
        return run.out().lines().map(line -> line.strip().replaceAll(" {2,}", " "));
    }

    private static java.util.List<String> facts(Invocation run) {
        return lines(run).toList();
    }
}
