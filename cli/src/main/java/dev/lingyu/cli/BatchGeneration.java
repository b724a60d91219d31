package dev.lingyu.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.Generation;
import dev.lingyu.engine.GenerationListener;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.GenerationResult;
import dev.lingyu.engine.SamplingParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Locale;

/// Sends many prompts through an engine and writes the answers in the order of the prompts.
final class BatchGeneration {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Engine engine;
    private final SamplingParams params;
    private final int inFlight;

    /// @param inFlight prompts that are in the engine together; more than it decodes at once, so that it never waits
    BatchGeneration(Engine engine, SamplingParams params, int inFlight) {
        this.engine = engine;
        this.params = params;
        this.inFlight = inFlight;
    }

    private record Sent(int[] prompt, Generation generation) {}

    /// Generates and writes; nothing is left at `target` when it fails.
    void run(List<int[]> prompts, Path target) throws IOException {
        ArrayDeque<Sent> sent = new ArrayDeque<>();
        long begun = System.nanoTime();
        long tokens = 0;
        try (OutputRows out = OutputRows.create(target);
                Progress progress = Progress.start("generate", "rows", prompts.size())) {
            int next = 0;
            for (int done = 0; done < prompts.size(); done++) {
                while (next < prompts.size() && sent.size() < inFlight) {
                    sent.add(send(prompts.get(next), next));
                    next++;
                }
                Sent first = sent.remove();
                GenerationResult result = first.generation().await();
                for (GenerationResult.Choice choice : result.choices()) {
                    out.write(row(first.prompt(), choice));
                }
                tokens += result.completionTokens();
                double seconds = (System.nanoTime() - begun) / 1e9;
                progress.say(String.format(Locale.ROOT, "%d new tokens, %.0f tokens/s", tokens, tokens / seconds));
                progress.advance(1);
            }
            out.commit();
        } finally {
            sent.forEach(left -> left.generation().cancel());
        }
    }

    /// With a seed, each row draws from a stream of its own, so that equal prompts do not get equal answers.
    private Sent send(int[] prompt, int index) {
        SamplingParams own = params.seed().isPresent()
                ? params.toBuilder().seed(params.seed().getAsLong() + index).build()
                : params;
        return new Sent(prompt, engine.submit(new GenerationRequest(prompt, own), GenerationListener.none()));
    }

    private static ObjectNode row(int[] prompt, GenerationResult.Choice choice) {
        ObjectNode row = JSON.createObjectNode();
        ids(row.putArray("prompt_ids"), prompt);
        ids(row.putArray("new_ids"), choice.ids());
        return row.put("text", choice.text());
    }

    private static void ids(ArrayNode array, int[] ids) {
        for (int id : ids) {
            array.add(id);
        }
    }
}
