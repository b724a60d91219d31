package dev.lingyu.cli.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.Decoder;
import dev.lingyu.model.KvCache;
import dev.lingyu.model.Parameter;
import dev.lingyu.tensor.DType;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// `lingyu bench start`: from the start of the process to the first token, and on to the speed that lasts.
///
/// Java compiles what runs often while it runs, so the first tokens are slower. The speed that lasts is the median
/// of the last quarter of the steps; it is reached with the first of five steps whose median is 90 % of it.
@Command(
        name = "start",
        mixinStandardHelpOptions = true,
        description = "One sequence, greedy, right after the start of the process: seconds to the first token, and "
                + "until tokens come at 90 % of the speed that lasts.")
final class StartBench implements Callable<Integer> {
    private static final int PROMPT = 32;
    private static final int WINDOW = 5;

    @Mixin
    private final BenchedModel model = new BenchedModel();

    @Option(names = "--new", description = "Tokens (default: 200).")
    private int tokens = 200;

    @Mixin
    private final BenchOutput output = new BenchOutput();

    @Override
    public Integer call() {
        if (tokens < 4 * WINDOW) {
            throw new BenchException("--new is a whole number from " + 4 * WINDOW + "; found " + tokens + ".");
        }
        double program = sinceStart();
        model.measure((name, decoder, type, weights) -> measure(name, decoder, type, weights, program));
        return 0;
    }

    /// Seconds since the process began; the system's clock ticks a hundred times a second.
    private static double sinceStart() {
        Instant begun = ProcessHandle.current().info().startInstant().orElseThrow();
        return Duration.between(begun, Instant.now()).toNanos() / 1e9;
    }

    private void measure(String name, Decoder decoder, DType type, String weights, double program) {
        double opened = sinceStart();
        double[] at = new double[tokens];
        try (KvCache cache = new KvCache(decoder, PROMPT + tokens)) {
            int[] next = new int[PROMPT];
            Arrays.setAll(next, i -> 100 + i);
            for (int i = 0; i < tokens; i++) {
                next = DecodeBench.step(decoder, next, List.of(cache));
                at[i] = sinceStart();
            }
        }
        double[] seconds = new double[tokens - 1];
        Arrays.setAll(seconds, i -> at[i + 1] - at[i]);
        double lasting = median(seconds, seconds.length - seconds.length / 4, seconds.length);
        int warm = 0;
        while (median(seconds, warm, warm + WINDOW) > lasting / 0.9) {
            warm++;
        }
        long bytes =
                decoder.parameters().stream().mapToLong(Parameter::byteCount).sum();
        double slow = median(seconds, 0, WINDOW);
        output.line(String.format(
                Locale.ROOT,
                "%s, %s, %.2f GB: first token after %.2f s (the program %.2f, opening the model %.2f, the prompt of %d tokens %.2f)",
                name,
                weights,
                bytes / 1e9,
                at[0],
                program,
                opened - program,
                PROMPT,
                at[0] - opened));
        output.line(String.format(
                Locale.ROOT,
                "first tokens at %.1f tokens/s; 90 %% of the lasting %.1f tokens/s %.2f s after the first token (token %d)",
                1 / slow,
                1 / lasting,
                at[warm] - at[0],
                warm + 1));
        ObjectNode figures = new ObjectMapper().createObjectNode();
        output.figures(figures.put("model", name)
                .put("weights", weights)
                .put("dtype", type.torchName())
                .put("bytes", bytes)
                .put("program_seconds", program)
                .put("open_seconds", opened - program)
                .put("first_token_seconds", at[0])
                .put("first_tokens_per_second", 1 / slow)
                .put("tokens_per_second", 1 / lasting)
                .put("seconds_to_90_percent", at[warm] - at[0]));
    }

    private static double median(double[] all, int from, int to) {
        double[] part = Arrays.copyOfRange(all, from, to);
        Arrays.sort(part);
        return part[part.length / 2];
    }
}
