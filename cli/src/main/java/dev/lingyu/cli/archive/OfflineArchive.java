package dev.lingyu.cli.archive;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What goes into the offline archive, by its name there, and how it is written.
public final class OfflineArchive {
    private static final Pattern LIBTORCH =
            Pattern.compile("pytorch-[\\d.]+-[\\d.]+-((?:linux|macosx|windows)-[a-z0-9_-]+)\\.jar");

    private static final List<String> WORDS =
            List.of("LICENSE", "NOTICE", "THIRD-PARTY.md", "README.md", "README.zh.md", "CHANGELOG.md");

    private static final List<String> FOLDERS = List.of("docs", "examples", "configs");

    private final SortedMap<String, Path> files = new TreeMap<>();
    private final String name;

    /// Collects the files of the built source tree `home` and of the Java runtime in `image`.
    ///
    /// @throws IOException when something is missing or unreadable; the message says what
    public OfflineArchive(Path home, String version, Path image) throws IOException {
        Path built = home.resolve("cli/target");
        files.put("app/lingyu.jar", built.resolve("lingyu.jar"));
        String platform = "java-only";
        for (String entry : classPath(built.resolve("lingyu.jar"))) {
            files.put("app/" + entry, built.resolve(entry));
            Matcher libtorch = LIBTORCH.matcher(entry.substring(entry.lastIndexOf('/') + 1));
            if (libtorch.matches()) {
                platform = libtorch.group(1);
            }
        }
        files.put("bin/lingyu", home.resolve("launcher/packaged"));
        files.put("launcher/jdk.sh", home.resolve("launcher/jdk.sh"));
        files.put("launcher/start.sh", home.resolve("launcher/start.sh"));
        for (String word : WORDS) {
            files.put(word, home.resolve(word));
        }
        for (String folder : FOLDERS) {
            addTree(folder, home.resolve(folder));
        }
        addTree("jre", image);
        name = "lingyu-" + version + "-" + platform;
        for (Map.Entry<String, Path> file : files.entrySet()) {
            if (!Files.exists(file.getValue(), LinkOption.NOFOLLOW_LINKS)) {
                throw new IOException(file.getValue() + " is missing: it belongs into the archive as " + file.getKey());
            }
        }
    }

    /// Cuts a Java runtime out of the JDK in `javaHome` into `folder`, which must not exist yet.
    ///
    /// @throws IOException with jlink's own words when it fails
    public static void cutRuntime(Path javaHome, Path folder) throws IOException, InterruptedException {
        JavaImage.write(javaHome, folder);
    }

    /// The archive's name without its ending, and the folder it unpacks to: version and platform.
    public String name() {
        return name;
    }

    /// How many bytes go in, uncompressed.
    public long byteCount() throws IOException {
        long bytes = 0;
        for (Path file : files.values()) {
            bytes += size(file);
        }
        return bytes;
    }

    /// Writes the archive to `target` (temp, fsync, rename), telling `written` the bytes read so far.
    public void write(Path target, LongConsumer written) throws IOException {
        Path temporary = target.resolveSibling(target.getFileName() + ".partial");
        try {
            try (TarGz tar = new TarGz(Files.newOutputStream(temporary))) {
                long bytes = 0;
                for (Map.Entry<String, Path> file : files.entrySet()) {
                    tar.add(name + "/" + file.getKey(), file.getValue());
                    bytes += size(file.getValue());
                    written.accept(bytes);
                }
            }
            try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
        } catch (IOException | RuntimeException failed) {
            Files.deleteIfExists(temporary);
            throw failed;
        }
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private void addTree(String prefix, Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path file : tree.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
                    .filter(path -> !folder.relativize(path).startsWith("target"))
                    .toList()) {
                files.put(prefix + "/" + folder.relativize(file).toString().replace('\\', '/'), file);
            }
        }
    }

    private static List<String> classPath(Path jar) throws IOException {
        try (JarFile file = new JarFile(jar.toFile())) {
            String listed = file.getManifest().getMainAttributes().getValue(Attributes.Name.CLASS_PATH);
            return listed == null ? List.of() : List.of(listed.split(" "));
        }
    }

    private static long size(Path file) throws IOException {
        return Files.isSymbolicLink(file) ? 0 : Files.size(file);
    }

    /// Deletes `folder` and what is in it.
    public static void delete(Path folder) throws IOException {
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
