package dev.lingyu.cli;

import dev.lingyu.cli.bench.BenchCommand;
import java.util.List;

/// The list of commands. A new command is a class with picocli's `@Command(name = …)` that implements
/// `Callable<Integer>` or `Runnable`, plus one line here; the order is the order in `lingyu --help`.
final class Commands {

    static final List<Class<?>> ALL = List.of(
            QuickstartCommand.class,
            TrainCommand.class,
            GenerateCommand.class,
            ChatCommand.class,
            ScoreCommand.class,
            InspectCommand.class,
            TokenizerCommand.class,
            DataCommand.class,
            ServeCommand.class,
            MergeCommand.class,
            ConvertCommand.class,
            QuantizeCommand.class,
            ExportCommand.class,
            BenchCommand.class,
            DoctorCommand.class,
            PackageCommand.class);

    private Commands() {}
}
