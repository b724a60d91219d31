package dev.lingyu.model.tokenizer;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;

/// The folder of reference files that lies beside the checkout and is never part of it.
final class SharedFiles {

    private SharedFiles() {}

    static Path root() {
        return Path.of(System.getProperty("lingyu.shared", "../shared"));
    }

    /// A folder or file below the root; the running test is skipped where it is absent.
    static Path required(String relative) {
        Path path = root().resolve(relative);
        assumeTrue(Files.exists(path), () -> "skipped: reference file " + path + " is not here");
        return path;
    }
}
