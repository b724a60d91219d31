package dev.lingyu.dataset;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// The user's data is not as it should be. The message is one sentence for the user (two with the advice):
/// which file, row and field, what was expected, what was found, what to do.
public final class DatasetException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Optional<Path> file;
    private final transient OptionalLong row;
    private final transient Optional<String> field;

    private DatasetException(String message, Optional<Path> file, OptionalLong row, Optional<String> field) {
        super(message);
        this.file = file;
        this.row = row;
        this.field = field;
    }

    /// Something that concerns no single file.
    public static DatasetException of(String message) {
        return new DatasetException(message, Optional.empty(), OptionalLong.empty(), Optional.empty());
    }

    /// Something about a whole file. The message is `file: problem`.
    public static DatasetException inFile(Path file, String problem) {
        String message = file + ": " + problem;
        return new DatasetException(message, Optional.of(file), OptionalLong.empty(), Optional.empty());
    }

    /// As [#inFile(Path, String)], with a deeper cause.
    public static DatasetException inFile(Path file, String problem, Throwable cause) {
        DatasetException exception = inFile(file, problem);
        exception.initCause(cause);
        return exception;
    }

    /// Something about one row. The message is `file, row n, field "f": problem`.
    public static DatasetException inRow(Source source, Optional<String> field, String problem) {
        String place = source + field.map(name -> ", field \"" + name + "\"").orElse("");
        OptionalLong row = OptionalLong.of(source.row());
        return new DatasetException(place + ": " + problem, Optional.of(source.file()), row, field);
    }

    /// As [#inRow(Source, Optional, String)], with a deeper cause.
    public static DatasetException inRow(Source source, Optional<String> field, String problem, Throwable cause) {
        DatasetException exception = inRow(source, field, problem);
        exception.initCause(cause);
        return exception;
    }

    /// The file at fault, if there is one.
    public Optional<Path> file() {
        return file;
    }

    /// The row at fault, counted from 1, if there is one.
    public OptionalLong row() {
        return row;
    }

    /// The field at fault, if there is one: `messages[2].content`.
    public Optional<String> field() {
        return field;
    }
}
