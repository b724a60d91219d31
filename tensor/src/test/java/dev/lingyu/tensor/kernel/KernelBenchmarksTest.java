package dev.lingyu.tensor.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.util.Arrays;
import java.util.Collection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/// Runs [KernelBenchmarks]: each once, to see that it runs; or, to measure, those of some kernels in earnest, which
/// takes 10 seconds for each kernel and number of rows:
///
/// ```
/// ./verify -pl tensor -Dtest=KernelBenchmarksTest -Dlingyu.benchmarks=all|RMS_NORM,ROTARY
/// ```
///
/// The table is then in `tensor/target/kernel-benchmarks.txt`.
class KernelBenchmarksTest {
    private static final String CHOICE = "lingyu.benchmarks";

    @Test
    void everyBenchmarkRuns() throws RunnerException {
        Collection<RunResult> results = new Runner(new OptionsBuilder()
                        .include(KernelBenchmarks.class.getName())
                        .param("rows", "4")
                        .forks(0)
                        .warmupIterations(0)
                        .measurementIterations(1)
                        .measurementTime(TimeValue.milliseconds(1))
                        .shouldFailOnError(true)
                        .verbosity(VerboseMode.SILENT)
                        .build())
                .run();
        assertThat(results).hasSize(KernelBenchmarks.Kernel.values().length);
    }

    @Test
    @EnabledIfSystemProperty(named = CHOICE, matches = ".+")
    void measuresTheChosenKernels() throws RunnerException {
        String choice = System.getProperty(CHOICE);
        String[] kernels = choice.equals("all")
                ? Arrays.stream(KernelBenchmarks.Kernel.values())
                        .map(Enum::name)
                        .toArray(String[]::new)
                : choice.split(",");
        File table = new File("target/kernel-benchmarks.txt");
        new Runner(new OptionsBuilder()
                        .include(KernelBenchmarks.class.getName())
                        .param("kernel", kernels)
                        .shouldFailOnError(true)
                        .resultFormat(ResultFormatType.TEXT)
                        .result(table.getPath())
                        .build())
                .run();
        assertThat(table).isNotEmpty();
    }
}
