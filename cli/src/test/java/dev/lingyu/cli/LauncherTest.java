package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Runs the real launcher as a process: in a small source tree whose `lingyu.jar` points to the classes under
/// test, with a `java` 17 first on the PATH and a stand-in for Maven that records its calls.
@Tag("it")
class LauncherTest {
    private static final FileTime LONG_AGO = FileTime.fromMillis(1_700_000_000_000L);

    @TempDir
    private Path folder;

    private Path tree;
    private Path elsewhere;
    private Path tools;

    @BeforeEach
    void layOutASourceTree() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "the launcher is a bash script, and there is no bash");
        tree = Files.createDirectories(folder.resolve("a tree"));
        elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
        tools = Files.createDirectories(folder.resolve("tools"));
        Path root = Path.of(System.getProperty("lingyu.root"));
        for (String file : List.of("lingyu", "launcher/jdk.sh", "launcher/build.sh", "launcher/start.sh")) {
            Files.createDirectories(tree.resolve(file).getParent());
            Files.copy(root.resolve(file), tree.resolve(file), StandardCopyOption.COPY_ATTRIBUTES);
        }
        writeOld("pom.xml", "<project/>");
        writeOld("cli/pom.xml", "<project/>");
        writeOld("cli/src/main/java/Main.java", "class Main {}");
        ageFolders();
        writeJar(tree.resolve("cli/target/lingyu.jar"));
        Files.writeString(tree.resolve("cli/target/lingyu.stamp"), "options \nsources unknown\n");

        Path java17 = tools.resolve("java17");
        script(java17.resolve("bin/java"), "echo 'this is Java 17' >&2; exit 99");
        script(java17.resolve("bin/javac"), "exit 99");
        Files.writeString(java17.resolve("release"), "IMPLEMENTOR=\"Example\"\nJAVA_VERSION=\"17.0.9\"\n");
        // As Maven prints it; the module's jar appears when "mvn package" has run.
        script(
                tools.resolve("mvn"),
                "echo run >>'" + folder.resolve("mvn-runs") + "'",
                "echo '[INFO] Building lingyu-tensor 0.1.0 [1/2]'",
                "if [ -e '" + folder.resolve("offline") + "' ]; then",
                "  echo '[ERROR] Could not transfer artifact org.example:thing:jar:1.0 from/to central: Unknown host'",
                "  exit 1",
                "fi",
                "while [ -e '" + folder.resolve("slow") + "' ]; do sleep 0.05; done",
                "echo '[INFO] Building lingyu-cli 0.1.0 [2/2]'");
    }

    @Test
    void worksFromAnotherFolderThroughSymlinksWithJava17First() throws Exception {
        Path relative = Files.createSymbolicLink(folder.resolve("link"), Path.of("a tree", "lingyu"));
        Path link = Files.createSymbolicLink(
                elsewhere.resolve("ly"), Path.of("..", relative.getFileName().toString()));
        Ran ran = run(Map.of(), link.toString(), "--version");
        assertThat(ran).isEqualTo(new Ran(0, ran.out(), ""));
        assertThat(ran.out()).startsWith("lingyu ").contains("Java " + Runtime.version());
        assertThat(mavenRuns()).isZero();
    }

    @Test
    void passesWordsExitCodesAndStandardErrorOn() throws Exception {
        Ran ran = run(Map.of(), launcher(), "doctro");
        assertThat(ran.code()).isEqualTo(2);
        assertThat(ran.out()).isEmpty();
        assertThat(ran.err())
                .isEqualTo("lingyu: unknown command 'doctro'; did you mean 'doctor'? Else see 'lingyu --help'.\n");
    }

    @Test
    void setsWhatLibtorchReadsAtStart() throws Exception {
        // The natives other tests have unpacked already: 450 MB once are enough.
        Path unpacked = Path.of(System.getProperty("user.home"), ".javacpp", "cache");
        Ran ran = run(Map.of("LINGYU_JVM_OPTS", "-Dorg.bytedeco.javacpp.cachedir=" + unpacked), launcher(), "doctor");
        assertThat(ran.code()).isZero();
        assertThat(ran.err()).isEmpty();
        assertThat(ran.out())
                .contains("ok       Threads: libtorch uses")
                .contains("ok       The Vector API is there")
                .doesNotContain("GLIBC_TUNABLES")
                .doesNotContain("MISSING");
    }

    @Test
    void buildsOnceWhenTheBuildIsMissingAndSaysHowFarItIs() throws Exception {
        Files.delete(tree.resolve("cli/target/lingyu.stamp"));
        Ran ran = run(Map.of(), launcher(), "--version");
        assertThat(ran.code()).isZero();
        assertThat(ran.err())
                .contains("lingyu: building with JDK")
                .contains("module 1 of 2: lingyu-tensor")
                .contains("module 2 of 2: lingyu-cli")
                .contains("built in");
        assertThat(run(Map.of(), launcher(), "--version").err()).isEmpty();
        assertThat(mavenRuns()).isEqualTo(1);
    }

    @Test
    void buildsAgainForAChangedSourceAndNotForATouchedOne() throws Exception {
        Path source = tree.resolve("cli/src/main/java/Main.java");
        Files.delete(tree.resolve("cli/target/lingyu.stamp"));
        run(Map.of(), launcher(), "--version");
        Files.setLastModifiedTime(source, FileTime.fromMillis(System.currentTimeMillis() + 60_000));
        assertThat(run(Map.of(), launcher(), "--version").code()).isZero();
        assertThat(mavenRuns()).as("builds after a file was only touched").isEqualTo(1);

        Files.writeString(source, "class Main { int changed; }");
        Files.setLastModifiedTime(source, FileTime.fromMillis(System.currentTimeMillis() + 120_000));
        assertThat(run(Map.of(), launcher(), "--version").code()).isZero();
        assertThat(mavenRuns()).as("builds after a file was changed").isEqualTo(2);
    }

    @Test
    void twoStartsAtOnceMakeOneBuild() throws Exception {
        Files.delete(tree.resolve("cli/target/lingyu.stamp"));
        Path slow = Files.createFile(folder.resolve("slow"));
        Process first = start(Map.of(), launcher(), "--version");
        while (mavenRuns() == 0) {
            Thread.onSpinWait();
        }
        Process second = start(Map.of(), launcher(), "--version");
        // The second says that it waits before it waits: its first byte proves that it found the lock taken.
        int firstByte = second.getErrorStream().read();
        Files.delete(slow);
        assertThat(firstByte).isEqualTo('l');
        assertThat(finish(first).code()).isZero();
        assertThat(finish(second).err()).contains("another process is building Lingyu here");
        assertThat(mavenRuns()).isEqualTo(1);
    }

    @Test
    void aBuildWithoutNetworkEndsInASentenceThatNamesWhatWasMissing() throws Exception {
        Files.delete(tree.resolve("cli/target/lingyu.stamp"));
        Files.createFile(folder.resolve("offline"));
        Ran ran = run(Map.of(), launcher(), "--version");
        assertThat(ran.code()).isEqualTo(1);
        assertThat(ran.err())
                .contains("could not download org.example:thing:jar:1.0")
                .contains("needs a network");
        assertThat(tree.resolve("cli/target/lingyu.stamp")).doesNotExist();
    }

    @Test
    void aWrongJavaHomeIsNamed() throws Exception {
        Path java17 = tools.resolve("java17");
        Ran ran = run(Map.of("LINGYU_JAVA_HOME", java17.toString()), launcher(), "--version");
        assertThat(ran.code()).isEqualTo(2);
        assertThat(ran.err())
                .contains(java17.toString())
                .contains("no JDK 25 or newer")
                .hasLineCount(1);
    }

    @Test
    void aHomeThatDoesNotExistIsNoObstacle() throws Exception {
        Ran ran = run(
                Map.of(
                        "HOME",
                        "/nonexistent",
                        "TMPDIR",
                        folder.toString(),
                        "LINGYU_JAVA_HOME",
                        System.getProperty("java.home")),
                launcher(),
                "--version");
        assertThat(ran).isEqualTo(new Ran(0, ran.out(), ""));
    }

    private record Ran(int code, String out, String err) {}

    private String launcher() {
        return tree.resolve("lingyu").toString();
    }

    private Ran run(Map<String, String> more, String... command) throws Exception {
        return finish(start(more, command));
    }

    private static Ran finish(Process process) throws Exception {
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        String err = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ran(process.waitFor(), out, err);
    }

    private Process start(Map<String, String> more, String... command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).directory(elsewhere.toFile());
        Map<String, String> environment = builder.environment();
        environment.clear();
        // A home whose only hint is Maven's toolchains file, as a machine with a JDK in an unusual place has
        // it.
        Path home = Files.createDirectories(folder.resolve("home"));
        Files.createDirectories(home.resolve(".m2"));
        Files.writeString(
                home.resolve(".m2/toolchains.xml"),
                "<toolchains>\n  <jdkHome>" + System.getProperty("java.home") + "</jdkHome>\n</toolchains>\n");
        environment.put("HOME", home.toString());
        environment.put("PATH", tools + ":" + tools.resolve("java17/bin") + ":/usr/local/bin:/usr/bin:/bin");
        environment.put("JAVA_HOME", tools.resolve("java17").toString());
        environment.put("LINGYU_FAST_START", "no");
        environment.put(
                "LINGYU_CACHE_DIR",
                Path.of(System.getProperty("lingyu.root"), "cli/target/natives").toString());
        environment.putAll(more);
        Process process = builder.start();
        process.getOutputStream().close();
        return process;
    }

    private long mavenRuns() throws IOException {
        Path runs = folder.resolve("mvn-runs");
        return Files.exists(runs) ? Files.readAllLines(runs).size() : 0;
    }

    private void writeOld(String file, String text) throws IOException {
        Path path = tree.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private void ageFolders() throws IOException {
        try (Stream<Path> all = Files.walk(tree)) {
            for (Path path : all.toList()) {
                Files.setLastModifiedTime(path, LONG_AGO);
            }
        }
    }

    /// A jar without classes whose manifest lists the class path of this test.
    private static void writeJar(Path jar) throws IOException {
        Files.createDirectories(jar.getParent());
        List<String> entries =
                new ArrayList<>(List.of(System.getProperty("java.class.path").split(File.pathSeparator)));
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes()
                .put(
                        Attributes.Name.CLASS_PATH,
                        entries.stream()
                                .map(entry -> Path.of(entry).toUri().toString())
                                .collect(Collectors.joining(" ")));
        try (OutputStream out = Files.newOutputStream(jar)) {
            new JarOutputStream(out, manifest).close();
        }
    }

    private static void script(Path file, String... lines) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + String.join("\n", lines) + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
