package dev.lingyu.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.data.sample.SampleDomain;
import dev.lingyu.data.sample.Size;
import dev.lingyu.data.sample.TestRow;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.engine.Generation;
import dev.lingyu.engine.GenerationListener;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.model.ChatEncoder;
import dev.lingyu.model.ChatMessage;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `lingyu bench batch-invariance`: how often a request's tokens change because of what runs beside it.
@Command(
        name = "batch-invariance",
        mixinStandardHelpOptions = true,
        description =
                "Answers of seeded requests alone and in one batch: how many differ, from which token on, and what "
                        + "--batch-invariant costs.")
final class BatchInvarianceBench implements Callable<Integer> {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Option(names = "--model", paramLabel = "DIR", required = true, description = "A Hugging Face model directory.")
    private @Nullable Path model;

    @Option(names = "--dtype", defaultValue = "bf16", description = "f32, bf16 or f16 (default: bf16).")
    private String dtype = "bf16";

    @Option(names = "--requests", defaultValue = "16", description = "Requests of the batch (default: 16).")
    private int requests = 16;

    @Option(names = "--max-new-tokens", defaultValue = "64", description = "Tokens of each answer (default: 64).")
    private int newTokens = 64;

    @Option(names = "--temperature", defaultValue = "1", description = "0 for greedy (default: 1).")
    private double temperature = 1;

    @Option(names = "--batch-invariant", description = "With fixed row tiles.")
    private boolean batchInvariant;

    @Mixin
    private final BenchOutput output = new BenchOutput();

    /// The answers of one way of running, and its speed.
    private record Run(List<int[]> answers, double tokensPerSecond) {}

    @Override
    public Integer call() {
        LanguageModel.Options options = LanguageModel.Options.inference().with(DType.parse(dtype), Device.CPU);
        try (LanguageModel opened = LanguageModel.open(Objects.requireNonNull(model), options);
                Engine engine = Engine.start(
                        opened, EngineOptions.defaults().withMaxRows(requests).withBatchInvariant(batchInvariant))) {
            List<int[]> prompts = prompts(opened.chatEncoder());
            Run alone = run(engine, prompts, false);
            Run together = run(engine, prompts, true);
            tell(alone, together);
        }
        return 0;
    }

    private List<int[]> prompts(ChatEncoder encoder) {
        return SampleDomain.create(Size.SMALL, SampleDomain.DEFAULT_SEED).heldOutPhrasings().stream()
                .limit(requests)
                .map(TestRow::question)
                .map(question -> encoder.prompt(List.of(ChatMessage.of("user", question))))
                .toList();
    }

    private Run run(Engine engine, List<int[]> prompts, boolean together) {
        long begun = System.nanoTime();
        List<Generation> running = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            SamplingParams params = SamplingParams.builder()
                    .temperature(temperature)
                    .maxNewTokens(newTokens)
                    .ignoreEos(true)
                    .seed(i)
                    .build();
            Generation generation =
                    engine.submit(new GenerationRequest(prompts.get(i), params), GenerationListener.none());
            if (!together) {
                generation.await();
            }
            running.add(generation);
        }
        List<int[]> answers =
                running.stream().map(g -> g.await().choices().getFirst().ids()).toList();
        return new Run(answers, (double) prompts.size() * newTokens * 1e9 / (System.nanoTime() - begun));
    }

    private void tell(Run alone, Run together) {
        int different = 0;
        int earliest = newTokens;
        for (int i = 0; i < alone.answers().size(); i++) {
            int at = Arrays.mismatch(alone.answers().get(i), together.answers().get(i));
            if (at >= 0) {
                different++;
                earliest = Math.min(earliest, at);
            }
        }
        int all = alone.answers().size();
        output.line(String.format(
                Locale.ROOT,
                "%s%s, temperature %s: %d of %d answers of %d tokens differ between alone and together%s; "
                        + "%.1f tokens/s alone, %.1f together",
                dtype,
                batchInvariant ? " --batch-invariant" : "",
                temperature,
                different,
                all,
                newTokens,
                different == 0 ? "" : ", the first at token " + (earliest + 1),
                alone.tokensPerSecond(),
                together.tokensPerSecond()));
        ObjectNode figures = JSON.createObjectNode()
                .put("dtype", dtype)
                .put("batch_invariant", batchInvariant)
                .put("temperature", temperature)
                .put("requests", all)
                .put("tokens_each", newTokens)
                .put("different", different)
                .put("tokens_per_second_alone", alone.tokensPerSecond())
                .put("tokens_per_second_together", together.tokensPerSecond());
        output.figures(figures);
    }
}
