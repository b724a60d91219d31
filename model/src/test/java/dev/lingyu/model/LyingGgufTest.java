package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.model.gguf.GgufException;
import dev.lingyu.model.gguf.GgufPrecision;
import dev.lingyu.model.jinja.TemplateException;
import dev.lingyu.model.tokenizer.TokenizerException;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.TensorException;
import dev.lingyu.tensor.gguf.GgufFile;
import dev.lingyu.tensor.gguf.GgufType;
import dev.lingyu.tensor.gguf.GgufValue;
import dev.lingyu.tensor.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// GGUF files that are sound as files, but hold no model that can be run: each is refused in a sentence.
class LyingGgufTest {
    private static final int MUTATIONS = 400;

    @TempDir
    private Path folder;

    /// The metadata and tensors of a good file, to be spoilt.
    private record Parts(Map<String, GgufValue> metadata, Map<String, GgufWriter.Entry> tensors) {
        void put(String key, int value) {
            metadata.put(key, GgufValue.of(value));
        }

        void zeros(String name, long... shape) {
            tensors.put(name, new GgufWriter.Entry(name, GgufType.F32, shape, () -> Tensor.zeros(DType.F32, shape)));
        }
    }

    @Test
    void anUnknownArchitectureIsToldWithThoseThatAreSupported() throws IOException {
        refuses(
                "llama",
                parts -> parts.metadata().put("general.architecture", GgufValue.of("mamba")),
                "holds a model of the architecture \"mamba\"; supported are llama, qwen2, qwen3, bloom.");
        refuses("llama", parts -> parts.metadata().remove("general.architecture"), "which architecture");
    }

    @Test
    void tensorsThatAreMissingSuperfluousOrOfAnotherShapeAreNamedAsTheFileCallsThem() throws IOException {
        refuses(
                "llama",
                parts -> parts.tensors().remove("blk.1.attn_q.weight"),
                "lacks 1 of the 21 tensors that its metadata asks for: blk.1.attn_q.weight.");
        refuses(
                "llama",
                parts -> parts.zeros("blk.0.attn_k.weight", 32, 64),
                "the tensor \"blk.0.attn_k.weight\" has the shape [32, 64], its metadata asks for [64, 64].");
        refuses(
                "llama",
                parts -> parts.zeros("blk.0.attn_q.weight", 3),
                "the tensor \"blk.0.attn_q.weight\" has the shape [3]");
        refuses(
                "llama",
                parts -> parts.zeros("blk.0.ffn_gate_inp.weight", 8, 64),
                "holds 1 tensors that its metadata has no place for: blk.0.ffn_gate_inp.weight.");
        refuses("llama", parts -> parts.tensors().remove("token_embd.weight"), "lacks the tensor token_embd.weight");
        refuses("llama", parts -> parts.put("llama.block_count", 3), "blk.2.attn_norm.weight");
        refuses("llama", parts -> parts.put("llama.block_count", Integer.MAX_VALUE), "the file has only 21 tensors");
        refuses("bloom", parts -> parts.tensors().remove("blk.0.attn_qkv.bias"), "blk.0.attn_qkv.bias");
    }

    @Test
    void aVocabularyThatDoesNotFitIsRefused() throws IOException {
        refuses(
                "llama",
                parts -> parts.put("llama.vocab_size", 511),
                "llama.vocab_size is 511, token_embd.weight has 512 rows.");
        refuses(
                "bloom",
                parts -> parts.zeros("token_embd.weight", 500, 64),
                "tokenizer.ggml.tokens lists 512 tokens, token_embd.weight has 500 rows.");
        refuses("bloom", parts -> tokens(parts, list -> list.set(9, list.get(10))), "is there twice, as 9 and 10");
        refuses(
                "bloom",
                parts -> parts.metadata().put("tokenizer.ggml.token_type", GgufValue.Numbers.of(new int[] {1, 1})),
                "expected one for each of the 512 tokens, found 2.");
        refuses(
                "llama",
                parts -> parts.metadata().put("tokenizer.ggml.scores", GgufValue.Numbers.of(new float[] {1, 1})),
                "expected one for each of the 512 tokens, found 2.");
    }

    @Test
    void tokenizersOfOtherKindsAreRefused() throws IOException {
        refuses(
                "bloom",
                parts -> parts.metadata().put("tokenizer.ggml.model", GgufValue.of("t5")),
                "a tokenizer of the kind \"t5\"",
                "supported are gpt2 and llama");
        refuses(
                "bloom",
                parts -> parts.metadata().put("tokenizer.ggml.pre", GgufValue.of("new-rule")),
                "cuts texts by the rule \"new-rule\"",
                "it knows llama-bpe");
        refuses("bloom", parts -> parts.metadata().remove("tokenizer.ggml.merges"), "but no merges");
        refuses(
                "bloom",
                parts -> parts.metadata().put("tokenizer.ggml.tokens", GgufValue.of("a")),
                "expected a list of texts, found TEXT");
    }

    @Test
    void whatThisProgramDoesNotComputeIsRefused() throws IOException {
        refuses("llama", parts -> parts.put("llama.expert_count", 8), "mixtures of experts are not supported");
        refuses("llama", parts -> parts.put("llama.rope.dimension_count", 8), "all 16 features of a head must turn");
        refuses("llama", parts -> parts.put("llama.attention.value_length", 8), "keys have 16");
        refuses("llama", parts -> parts.put("llama.attention.key_length", 1), "heads of an even size");
        refuses(
                "llama",
                parts -> parts.metadata().put("llama.rope.scaling.type", GgufValue.of("yarn")),
                "by the rule \"yarn\"",
                "supported are none, linear and Llama 3's");
        refuses(
                "llama-rope-llama3",
                parts -> parts.zeros("rope_freqs.weight", 8),
                "the factors in rope_freqs.weight follow no rule");
        refuses("bloom", parts -> parts.put("bloom.feed_forward_length", 128), "BLOOM's is 4 times embedding_length");
        refuses("llama", parts -> parts.metadata().remove("llama.context_length"), "lacks the metadata");
        refuses(
                "llama",
                parts -> parts.metadata().put("llama.embedding_length", GgufValue.of("64")),
                "expected a whole number, found TEXT");
        refuses(
                "llama",
                parts -> parts.metadata().put("llama.rope.freq_base", GgufValue.of(Float.NaN)),
                "a number above 0 was expected");
        refuses("llama", parts -> parts.put("llama.attention.head_count_kv", 3), "4 heads can't share them evenly");
    }

    @Test
    void aModelThatGgufHasNoWordsForIsNotWritten() throws IOException {
        Golden golden = Golden.open("glm");
        Path file = folder.resolve("glm.gguf");
        try (LanguageModel model = LanguageModel.open(golden.directory(), LanguageModel.Options.inference())) {
            assertThatThrownBy(() -> model.saveGguf(file, "glm", GgufPrecision.F16))
                    .isInstanceOf(GgufException.class)
                    .hasMessageContaining("llama, mistral, qwen2, qwen3 and bloom can");
        }
        assertThat(file).doesNotExist();
    }

    /// Bytes of the header changed at random: a sentence, or a model that opens.
    @Test
    void aSpoiltHeaderNeverEndsInAnythingElse() throws IOException {
        byte[] good = Files.readAllBytes(export("llama"));
        long seed = 20261128;
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        int header = (int) GgufFile.open(folder.resolve("good.gguf"))
                .info("token_embd.weight")
                .offset();
        int opened = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            byte[] spoilt = good.clone();
            for (int change = 0; change <= random.nextInt(3); change++) {
                spoilt[random.nextInt(header)] = (byte) random.nextInt(256);
            }
            Path file = Files.write(folder.resolve("spoilt.gguf"), spoilt);
            try (LanguageModel model =
                    LanguageModel.open(file, LanguageModel.Options.inference().with(DType.F32, Device.CPU))) {
                opened += model.config().decoder().layers() > 0 ? 1 : 0;
            } catch (TensorException
                    | GgufException
                    | ModelException
                    | TokenizerException
                    | TemplateException refused) {
                assertThat(refused.getMessage()).isNotBlank();
            }
        }
        System.out.println(opened + " of " + MUTATIONS + " spoilt files opened, the others were refused");
        assertThat(opened).isBetween(1, MUTATIONS - 1);
    }

    private static void tokens(Parts parts, Consumer<List<String>> change) {
        GgufValue.Texts texts = (GgufValue.Texts) parts.metadata().get("tokenizer.ggml.tokens");
        List<String> list = new ArrayList<>(texts.values());
        change.accept(list);
        parts.metadata().put("tokenizer.ggml.tokens", new GgufValue.Texts(list));
    }

    private void refuses(String golden, Consumer<Parts> lie, String... words) throws IOException {
        GgufFile good = GgufFile.open(export(golden));
        Map<String, GgufValue> metadata = new LinkedHashMap<>();
        good.metadata()
                .keys()
                .forEach(key -> metadata.put(key, good.metadata().value(key).orElseThrow()));
        Map<String, GgufWriter.Entry> tensors = new LinkedHashMap<>();
        good.tensors()
                .values()
                .forEach(tensor -> tensors.put(
                        tensor.name(),
                        new GgufWriter.Entry(
                                tensor.name(),
                                GgufType.F32,
                                tensor.shape(),
                                () -> good.tensor(tensor.name(), DType.F32))));
        Parts parts = new Parts(metadata, tensors);
        lie.accept(parts);
        Path file = folder.resolve("lie.gguf");
        GgufWriter.write(file, metadata, List.copyOf(tensors.values()));
        assertThatThrownBy(() -> LanguageModel.open(file, LanguageModel.Options.inference()))
                .isInstanceOfAny(TensorException.class, GgufException.class, ModelException.class)
                .message()
                .startsWith(file.toString())
                .contains(words);
    }

    private Path export(String name) throws IOException {
        Path file = folder.resolve("good.gguf");
        try (LanguageModel model =
                LanguageModel.open(Golden.open(name).directory(), LanguageModel.Options.inference())) {
            model.saveGguf(file, name, GgufPrecision.F32);
        }
        return file;
    }
}
