package dev.lingyu.cli.archive;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// A Java runtime cut out of the JDK that runs this, with jlink.
final class JavaImage {
    /// All of Java SE, so that a library loaded by reflection finds what it looks for, and of the JDK's own
    /// modules the ones that Lingyu or its libraries use: the Vector API, TLS with elliptic curves, Chinese
    /// charsets, zip file systems, the diagnosis a server's operator expects (jcmd, flight recorder),
    /// `sun.misc.Unsafe`.
    static final List<String> MODULES = List.of(
            "java.se",
            "jdk.charsets",
            "jdk.crypto.cryptoki",
            "jdk.crypto.ec",
            "jdk.httpserver",
            "jdk.incubator.vector",
            "jdk.jcmd",
            "jdk.jfr",
            "jdk.localedata",
            "jdk.management",
            "jdk.management.agent",
            "jdk.management.jfr",
            "jdk.naming.dns",
            "jdk.net",
            "jdk.nio.mapmode",
            "jdk.security.auth",
            "jdk.unsupported",
            "jdk.zipfs");

    private JavaImage() {}

    /// Writes the runtime into `folder`, which must not exist yet.
    ///
    /// @throws IOException with jlink's own words when it fails
    static void write(Path javaHome, Path folder) throws IOException, InterruptedException {
        Path jlink = javaHome.resolve("bin").resolve("jlink");
        if (!Files.isExecutable(jlink)) {
            throw new IOException("there is no jlink in " + javaHome + "/bin: a full JDK is needed to package");
        }
        Process process = new ProcessBuilder(
                        jlink.toString(),
                        "--add-modules",
                        String.join(",", MODULES),
                        "--include-locales=en,zh",
                        "--strip-java-debug-attributes",
                        "--no-header-files",
                        "--no-man-pages",
                        "--generate-cds-archive",
                        "--output",
                        folder.toString())
                .redirectErrorStream(true)
                .start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("jlink failed: " + said.strip());
        }
    }
}
