package dev.lingyu.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFileTest {
    @TempDir
    Path folder;

    @Test
    void aFileThatWasNotCommittedLeavesTheOldOneAndNothingElse() throws IOException {
        Path target = folder.resolve("page.html");
        AtomicFile.write(target, "旧");
        try (AtomicFile file = AtomicFile.create(target)) {
            file.stream().write(1);
        }
        assertThat(target).hasContent("旧");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).containsExactly(target);
        }
    }

    @Test
    void aFileMayBeReadByWhomTheUmaskAllows() throws IOException {
        Assumptions.assumeTrue(
                Files.getFileStore(folder).supportsFileAttributeView("posix"), "Skipped: no POSIX permissions here");
        Path plain = Files.writeString(folder.resolve("plain"), "");
        Path target = folder.resolve("made/page.html");
        AtomicFile.write(target, "新");
        AtomicFile.write(target, "更新");
        assertThat(target).hasContent("更新");
        assertThat(Files.getPosixFilePermissions(target)).isEqualTo(Files.getPosixFilePermissions(plain));
    }
}
