package dev.lingyu.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.bridge.SLF4JBridgeHandler;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

/// The program `lingyu`: parses the arguments, runs one command and ends with the exit code of [ErrorReport].
@Command(
        name = "lingyu",
        description = "Trains, aligns, judges and serves domain language models.",
        mixinStandardHelpOptions = true,
        scope = CommandLine.ScopeType.INHERIT,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND")
public final class Main implements Runnable {

    @Option(
            names = "--debug",
            scope = CommandLine.ScopeType.INHERIT,
            description = "Show stack traces when something fails.")
    private boolean debug;

    @CommandLine.Spec
    private @Nullable CommandSpec spec;

    Main() {}

    public static void main(String[] args) {
        StandardError.restore();
        int code = run(
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                args);
        System.exit(code);
    }

    /// Runs the command in `args`, writing to `out` and `err`, and returns the exit code: 0 done, 1 failed
    /// while running, 2 the user's input is wrong.
    public static int run(PrintWriter out, PrintWriter err, String... args) {
        Main main = new Main();
        CommandLine line = new CommandLine(main);
        for (Class<?> command : Commands.ALL) {
            line.addSubcommand(command);
        }
        line.setOut(out);
        line.setErr(err);
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setParameterExceptionHandler((wrong, given) -> main.report(err, wrong));
        line.setExecutionExceptionHandler((failure, command, parsed) -> main.report(err, failure));
        line.setExecutionStrategy(Main::execute);
        try {
            return line.execute(args);
        } catch (Error broken) {
            return main.report(err, broken);
        } finally {
            out.flush();
            err.flush();
        }
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                Objects.requireNonNull(spec).commandLine(), "No command given; 'lingyu --help' lists them.");
    }

    private static int execute(ParseResult parsed) {
        // Helidon logs through java.util.logging; only a command that runs pays for setting the log up.
        SLF4JBridgeHandler.removeHandlersForRootLogger();
        SLF4JBridgeHandler.install();
        return new RunLast().execute(parsed);
    }

    private int report(PrintWriter err, Throwable failure) {
        ErrorReport report = ErrorReport.of(failure);
        err.println("lingyu: " + report.sentence());
        if (debug) {
            failure.printStackTrace(err);
        }
        return report.exitCode();
    }
}
