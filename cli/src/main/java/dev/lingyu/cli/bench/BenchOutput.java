package dev.lingyu.cli.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.tensor.MachineLimits;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/// How a benchmark tells its figures: in words, or as one JSON object.
final class BenchOutput {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long TOLD_EVERY_NANOS = 10_000_000_000L;

    @Option(names = "--json", description = "Print one JSON object instead of words.")
    private boolean json;

    @Spec(Target.MIXEE)
    private @Nullable CommandSpec spec;

    /// A line for a person; nothing with `--json`.
    void line(String line) {
        if (!json) {
            out().println(line);
            out().flush();
        }
    }

    /// The figures for a script; nothing without `--json`.
    void figures(ObjectNode figures) {
        if (json) {
            try {
                out().println(JSON.writeValueAsString(figures));
                out().flush();
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    /// Tells on standard error every ten seconds how far a task is; standard output stays the figures'.
    IntConsumer progress(String task, String unit, int total) {
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        long begun = System.nanoTime();
        long[] told = {begun};
        return done -> {
            long now = System.nanoTime();
            if (now - told[0] > TOLD_EVERY_NANOS && done > 0) {
                told[0] = now;
                double left = (now - begun) / 1e9 / done * (total - done);
                err.printf(Locale.ROOT, "%s: %d of %d %s, about %.0f s left%n", task, done, total, unit, left);
                err.flush();
            }
        };
    }

    /// An empty object of figures with the limits of this run.
    static ObjectNode with(MachineLimits limits) {
        ObjectNode figures = JSON.createObjectNode();
        figures.put("gemm_peak_gflops", limits.gemmGflops());
        figures.put("dtype", limits.dtype().torchName());
        figures.put("read_gbps", limits.readGbps());
        figures.put("threads", limits.threads());
        return figures;
    }

    private PrintWriter out() {
        return Objects.requireNonNull(spec).commandLine().getOut();
    }
}
