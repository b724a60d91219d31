package dev.lingyu.cli.bench;

import picocli.CommandLine.Command;

/// `lingyu bench`: the parent of the benchmarks; a new one is a class and one entry in `subcommands`.
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures speed beside this machine's own limits, and what models can do.",
        subcommands = {
            GemmBench.class,
            TrainBench.class,
            DecodeBench.class,
            StartBench.class,
            PrefillBench.class,
            ExtrapolateBench.class,
            BatchInvarianceBench.class
        })
public final class BenchCommand {}
