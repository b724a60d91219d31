package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.lingyu.engine.EngineException;
import dev.lingyu.tensor.TensorException;
import dev.lingyu.train.TrainException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ErrorReportTest {

    static Stream<Arguments> failures() {
        return Stream.of(
                arguments(new TensorException("w.safetensors: lies."), 2, "w.safetensors: lies."),
                arguments(new EngineException(EngineException.Kind.BAD_REQUEST, "too long."), 2, "too long."),
                arguments(new EngineException(EngineException.Kind.FAILED, "closed."), 1, "closed."),
                arguments(new TrainException(TrainException.Kind.INPUT, "no rows."), 2, "no rows."),
                arguments(new TrainException(TrainException.Kind.FAILURE, "loss is NaN."), 1, "loss is NaN."),
                arguments(new CliException("give a model."), 2, "give a model."),
                arguments(new NoSuchFileException("a.yaml"), 2, "a.yaml does not exist"),
                arguments(new AccessDeniedException("a.yaml"), 2, "a.yaml may not be read or written"),
                arguments(new DirectoryNotEmptyException("runs"), 2, "the folder runs is not empty"),
                arguments(new BindException("Address already in use"), 2, "--port"),
                arguments(new IOException("No space left on device"), 2, "no space is left on the disk"),
                arguments(new FileSystemException("ck/model", null, "No space left on device"), 2, "disk of ck/model"),
                arguments(new IOException("Connection reset"), 1, "reading or writing failed"),
                arguments(new OutOfMemoryError("Java heap space"), 2, "LINGYU_JVM_OPTS=-Xmx"),
                arguments(
                        new RuntimeException("DefaultCPUAllocator: can't allocate memory: you tried"),
                        2,
                        "not enough memory"),
                arguments(new UnsatisfiedLinkError("no jnitorch"), 1, "lingyu doctor"),
                arguments(new CommandFailedException("rank 1 died."), 1, "rank 1 died."),
                arguments(new IllegalStateException("boom"), 1, "IllegalStateException: boom"),
                arguments(new IllegalStateException(), 1, "--debug"));
    }

    @ParameterizedTest
    @MethodSource("failures")
    void everyFailureHasItsCodeAndOneLine(Throwable failure, int code, String words) {
        ErrorReport report = ErrorReport.of(failure);
        assertThat(report.exitCode()).isEqualTo(code);
        assertThat(report.sentence()).contains(words).doesNotContain("\n").endsWith(".");
    }

    @Test
    void wrappersOfThreadsAndStreamsAreLookedThrough() {
        IOException missing = new NoSuchFileException("a.yaml");
        Throwable wrapped = new ExecutionException(new CompletionException(new UncheckedIOException(missing)));
        assertThat(ErrorReport.of(wrapped)).isEqualTo(ErrorReport.of(missing));
    }

    @Test
    void aRealMissingFileIsNamed() {
        Path absent = Path.of("no", "such", "file.jsonl");
        try {
            Files.readString(absent);
        } catch (IOException failure) {
            assertThat(ErrorReport.of(failure).sentence()).startsWith(absent + " does not exist");
            return;
        }
        throw new AssertionError("the file exists");
    }
}
