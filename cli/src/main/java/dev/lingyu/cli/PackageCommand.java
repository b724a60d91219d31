package dev.lingyu.cli;

import dev.lingyu.cli.archive.OfflineArchive;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu package`: writes one archive that runs with no network, no Maven and no JDK.
@Command(
        name = "package",
        description = "Writes one offline archive: Java runtime, jars with native libraries, examples.")
final class PackageCommand implements Callable<Integer> {

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "Where the archive goes (default: dist in the source tree).")
    private @Nullable Path output;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path home = sourceTree();
        Path folder = output == null ? home.resolve("dist") : output;
        Files.createDirectories(folder);
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        out.println("Cutting a Java runtime out of " + System.getProperty("java.home") + " …");
        Path work = Files.createTempDirectory(folder, ".image-");
        try {
            Path image = work.resolve("jre");
            OfflineArchive.cutRuntime(Path.of(System.getProperty("java.home")), image);
            OfflineArchive archive = new OfflineArchive(home, Version.number(), image);
            Path target = folder.resolve(archive.name() + ".tar.gz");
            long mebibytes = archive.byteCount() >> 20;
            try (Progress progress = Progress.start("package", "MiB", mebibytes)) {
                archive.write(target, bytes -> progress.advanceTo(bytes >> 20));
            }
            out.printf(
                    Locale.ROOT,
                    "Wrote %s (%d MiB). Unpack it anywhere and start %s/bin/lingyu.%n",
                    target,
                    Files.size(target) >> 20,
                    archive.name());
            return 0;
        } finally {
            OfflineArchive.delete(work);
        }
    }

    private static Path sourceTree() {
        String home = System.getProperty("lingyu.home");
        if (home == null || !Files.isRegularFile(Path.of(home, "cli", "target", "lingyu.jar"))) {
            throw new CliException("'lingyu package' works from a source tree, with its ./lingyu; "
                    + (home == null ? "this program was started without it" : home + " is not one")
                    + ": clone the sources to make an archive.");
        }
        return Path.of(home);
    }
}
