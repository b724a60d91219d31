package dev.lingyu.cli;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine;

/// What the user is told about a failure, and the exit code that goes with it.
///
/// In: any throwable of any module. Out: code 2 where the user has to change something (the input, a full
/// disk, a machine too small), 1 where the program failed, and one sentence. Modules do not share a base
/// class for "the input is wrong"; [#USER_INPUT] is where they meet.
///
/// @param exitCode 1 or 2
/// @param sentence what, where and what to do
public record ErrorReport(int exitCode, String sentence) {

    /// The typed exceptions with which modules refuse input; their messages are complete sentences. **Add
    /// yours here.**
    private static final List<Class<? extends Throwable>> USER_INPUT = List.of(
            CliException.class,
            dev.lingyu.cli.bench.BenchException.class,
            dev.lingyu.cli.inspect.InspectionException.class,
            dev.lingyu.tensor.TensorException.class,
            dev.lingyu.dataset.DatasetException.class,
            dev.lingyu.model.ModelException.class,
            dev.lingyu.model.adapter.AdapterException.class,
            dev.lingyu.model.gguf.GgufException.class,
            dev.lingyu.model.jinja.TemplateException.class,
            dev.lingyu.model.tokenizer.TokenizerException.class,
            dev.lingyu.engine.SamplingException.class,
            dev.lingyu.serve.ServeException.class,
            dev.lingyu.data.sample.SampleDomainException.class);

    private static final int FAILED = 1;
    private static final int WRONG_INPUT = 2;

    /// The report for `failure`, looking through the wrappers that threads and streams put around exceptions.
    public static ErrorReport of(Throwable failure) {
        Throwable inner = unwrap(failure);
        if (USER_INPUT.stream().anyMatch(type -> type.isInstance(inner))) {
            return new ErrorReport(WRONG_INPUT, message(inner));
        }
        return switch (inner) {
            case CommandLine.ParameterException wrong -> new ErrorReport(WRONG_INPUT, usage(wrong));
            case CommandFailedException told -> new ErrorReport(FAILED, message(told));
            case dev.lingyu.train.TrainException train ->
                new ErrorReport(
                        train.kind() == dev.lingyu.train.TrainException.Kind.INPUT ? WRONG_INPUT : FAILED,
                        message(train));
            case dev.lingyu.engine.EngineException engine ->
                new ErrorReport(
                        engine.kind() == dev.lingyu.engine.EngineException.Kind.BAD_REQUEST ? WRONG_INPUT : FAILED,
                        message(engine));
            case OutOfMemoryError memory -> new ErrorReport(WRONG_INPUT, outOfMemory(memory));
            case UnsatisfiedLinkError natives ->
                new ErrorReport(
                        FAILED,
                        "a native library could not be loaded (" + firstLine(natives)
                                + "); 'lingyu doctor' tells what this machine is missing.");
            case StackOverflowError deep ->
                new ErrorReport(FAILED, "something is nested too deeply to be read; --debug shows where.");
            case IOException io -> ofInput(io);
            case RuntimeException torch
            when allocationFailed(torch) ->
                new ErrorReport(
                        WRONG_INPUT,
                        "there is not enough memory for tensors (" + firstLine(torch)
                                + "); use a smaller batch, model or dtype, or end other programs.");
            default ->
                new ErrorReport(
                        FAILED,
                        "it failed unexpectedly (" + inner.getClass().getSimpleName() + ": " + firstLine(inner)
                                + "); run it again with --debug to see where, and report it.");
        };
    }

    private static ErrorReport ofInput(IOException io) {
        if (noSpace(io)) {
            return new ErrorReport(
                    WRONG_INPUT,
                    "no space is left on the disk"
                            + fileOf(io).map(f -> " of " + f).orElse("") + "; free some and start the command again.");
        }
        String file = fileOf(io).orElse("the file");
        return switch (io) {
            case NoSuchFileException missing ->
                new ErrorReport(
                        WRONG_INPUT, file + " does not exist; check the path (relative paths start where you are).");
            case AccessDeniedException denied ->
                new ErrorReport(
                        WRONG_INPUT,
                        file + " may not be read or written by this user; change its permissions or choose another.");
            case DirectoryNotEmptyException full ->
                new ErrorReport(WRONG_INPUT, "the folder " + file + " is not empty; choose another or empty it first.");
            case FileAlreadyExistsException exists ->
                new ErrorReport(WRONG_INPUT, file + " exists already; choose another name or remove it first.");
            case NotDirectoryException plain ->
                new ErrorReport(WRONG_INPUT, file + " is a file where a folder is expected; check the path.");
            case FileNotFoundException missing ->
                new ErrorReport(WRONG_INPUT, firstLine(missing) + "; check the path.");
            case BindException taken ->
                new ErrorReport(
                        WRONG_INPUT,
                        "the port cannot be opened (" + firstLine(taken)
                                + "); another program uses it: choose another with --port.");
            default ->
                new ErrorReport(
                        FAILED,
                        "reading or writing failed (" + io.getClass().getSimpleName() + ": " + firstLine(io)
                                + "); --debug shows where.");
        };
    }

    private static String usage(CommandLine.ParameterException wrong) {
        CommandLine line = wrong.getCommandLine();
        String help = "see '" + line.getCommandSpec().qualifiedName() + " --help'.";
        if (wrong instanceof CommandLine.UnmatchedArgumentException unmatched
                && !unmatched.getUnmatched().isEmpty()) {
            String word = unmatched.getUnmatched().getFirst();
            boolean option = word.startsWith("-");
            String what = option
                    ? "unknown option '" + word + "'"
                    : line.getSubcommands().isEmpty()
                            ? "unexpected argument '" + word + "'"
                            : "unknown command '" + word + "'";
            List<String> suggestions = DidYouMean.among(
                    option
                            ? line.getCommandSpec().optionsMap().keySet()
                            : line.getSubcommands().keySet(),
                    word);
            String hint = suggestions.isEmpty() ? "" : " did you mean '" + String.join("' or '", suggestions) + "'?";
            return what + ";" + hint + (hint.isEmpty() ? " " + help : " Else " + help);
        }
        String said = firstLine(wrong);
        return (said.endsWith(".") ? said + " S" : said + "; s") + help.substring(1);
    }

    private static String outOfMemory(OutOfMemoryError memory) {
        String heap = "-Xmx" + Math.max(1, Runtime.getRuntime().maxMemory() >> 29) + "g";
        return "there is not enough memory (" + firstLine(memory)
                + "); use a smaller batch or model, or allow Java more with LINGYU_JVM_OPTS=" + heap + ".";
    }

    /// What libtorch's allocators say, on the CPU and on a GPU.
    private static boolean allocationFailed(RuntimeException failure) {
        String said = message(failure);
        return said.contains("can't allocate memory")
                || said.contains("not enough memory")
                || said.contains("out of memory");
    }

    private static boolean noSpace(IOException io) {
        String said = io.getMessage() == null ? "" : io.getMessage().toLowerCase(Locale.ROOT);
        return said.contains("no space left") || said.contains("not enough space") || said.contains("quota exceeded");
    }

    private static Optional<String> fileOf(IOException io) {
        return io instanceof FileSystemException at ? Optional.ofNullable(at.getFile()) : Optional.empty();
    }

    private static Throwable unwrap(Throwable failure) {
        Throwable inner = failure;
        while (inner.getCause() != null
                && (inner instanceof UncheckedIOException
                        || inner instanceof CompletionException
                        || inner instanceof ExecutionException
                        || inner instanceof CommandLine.ExecutionException)) {
            inner = inner.getCause();
        }
        return inner;
    }

    private static String message(Throwable failure) {
        String said = failure.getMessage();
        return said == null || said.isBlank() ? failure.getClass().getSimpleName() : said;
    }

    private static String firstLine(Throwable failure) {
        return message(failure).lines().findFirst().orElse("").strip();
    }
}
