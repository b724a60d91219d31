package dev.lingyu.cli.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TarGzTest {

    @TempDir
    private Path folder;

    @Test
    void theSystemsTarUnpacksWhatWasPacked() throws Exception {
        assumeTrue(
                Files.isExecutable(Path.of("/bin/tar")) || Files.isExecutable(Path.of("/usr/bin/tar")), "no tar here");
        Path script = Files.writeString(folder.resolve("start"), "#!/bin/sh\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-x---"));
        Path text = Files.writeString(folder.resolve("text"), "家电商城\n".repeat(1000));
        Path empty = Files.writeString(folder.resolve("empty"), "");
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("商品.txt"));
        String longName = "app/" + "很长的名字".repeat(12) + ".txt";
        Path archive = folder.resolve("a.tar.gz");
        try (TarGz tar = new TarGz(Files.newOutputStream(archive))) {
            tar.add("app/bin/start", script);
            tar.add("app/商品.txt", text);
            tar.add("app/empty", empty);
            tar.add("app/link", link);
            tar.add(longName, text);
        }
        Path unpacked = Files.createDirectory(folder.resolve("unpacked"));
        Process tar = new ProcessBuilder("tar", "-xzf", archive.toString(), "-C", unpacked.toString())
                .redirectErrorStream(true)
                .start();
        assertThat(new String(tar.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEmpty();
        assertThat(tar.waitFor()).isZero();
        assertThat(unpacked.resolve("app/bin/start")).isExecutable().hasSameBinaryContentAs(script);
        assertThat(unpacked.resolve("app/商品.txt")).hasSameBinaryContentAs(text);
        assertThat(Files.isExecutable(unpacked.resolve("app/商品.txt"))).isFalse();
        assertThat(unpacked.resolve("app/empty")).isEmptyFile();
        assertThat(unpacked.resolve("app/link")).isSymbolicLink().hasSameBinaryContentAs(text);
        assertThat(unpacked.resolve(longName)).hasSameBinaryContentAs(text);
    }

    @Test
    void equalFilesGiveEqualArchives() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "家电");
        Files.setLastModifiedTime(text, FileTime.fromMillis(1_700_000_000_000L));
        assertThat(packed(text)).isEqualTo(packed(text));
    }

    private static byte[] packed(Path file) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarGz tar = new TarGz(out)) {
            tar.add("text", file);
        }
        return out.toByteArray();
    }
}
