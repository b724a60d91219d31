package dev.lingyu.cli.doctor;

import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.Torch;
import java.io.File;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// All findings about this machine, in the order in which a person would ask.
public final class Checkup {
    private static final long GIB = 1L << 30;
    private static final int DEFAULT_PORT = 7690;

    private final Map<String, String> environment;

    /// A check-up of this machine under the variables in `environment` (normally `System.getenv()`).
    public Checkup(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    /// Looks at everything; takes about a second, most of it loading libtorch.
    public List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        findings.add(java());
        findings.add(vectorModule());
        findings.add(Processor.parse(read("/proc/cpuinfo"))
                .finding(Runtime.getRuntime().availableProcessors()));
        findings.add(memory(read("/proc/meminfo"), Runtime.getRuntime().maxMemory()));
        findings.add(disk(Path.of("").toAbsolutePath()));
        findings.add(threads());
        if (isLinux()) {
            findings.add(allocator());
        }
        findings.add(libtorch());
        findings.add(port(DEFAULT_PORT));
        return findings;
    }

    private static Finding java() {
        String words = "Java " + Runtime.version() + " (" + System.getProperty("java.vendor") + ") at "
                + System.getProperty("java.home");
        return Runtime.version().feature() >= 25
                ? Finding.ok(words + ".")
                : Finding.missing(words + ": Lingyu needs 25 or newer; install one or set LINGYU_JAVA_HOME.");
    }

    private static Finding vectorModule() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
                ? Finding.ok("The Vector API is there: decoding a few rows at a time reads weights at memory speed.")
                : Finding.missing(
                        "The module jdk.incubator.vector is not loaded: start Lingyu with its launcher, or give "
                                + "Java --add-modules jdk.incubator.vector.");
    }

    static Finding memory(String meminfo, long heapBytes) {
        long total = kibibytes(meminfo, "MemTotal") << 10;
        long available = kibibytes(meminfo, "MemAvailable") << 10;
        String heap = "Java's heap may take " + gib(heapBytes) + " of it (tensors live outside the heap)";
        if (total == 0) {
            return Finding.ok("Memory: not listed by this system; " + heap.replace(" of it", "") + ".");
        }
        String words = "Memory: " + gib(total) + ", " + gib(available) + " of it free; " + heap;
        return available < 4 * GIB
                ? Finding.warning(words + ". Below 4 GiB free only small models train: close other programs.")
                : Finding.ok(words + ".");
    }

    private static Finding disk(Path where) {
        try {
            long free = Files.getFileStore(where).getUsableSpace();
            String words = "Disk: " + gib(free) + " free under " + where;
            return free < 10 * GIB
                    ? Finding.warning(words + ": checkpoints of a 1B model take about 14 GiB each.")
                    : Finding.ok(words + ".");
        } catch (IOException unknown) {
            return Finding.warning("Disk: the free space under " + where + " cannot be read.");
        }
    }

    private Finding threads() {
        String set = environment.getOrDefault("OMP_NUM_THREADS", "");
        String spin = environment.getOrDefault("GOMP_SPINCOUNT", "");
        if (set.isEmpty() || (isLinux() && spin.isEmpty())) {
            return Finding.warning(
                    "OMP_NUM_THREADS or GOMP_SPINCOUNT is not set: libtorch and Java threads may fight for cores; the "
                            + "launcher sets both.");
        }
        return Finding.ok("Threads: libtorch uses " + set + " (OMP_NUM_THREADS).");
    }

    private Finding allocator() {
        String tunables = environment.getOrDefault("GLIBC_TUNABLES", "");
        if (!tunables.contains("glibc.malloc.mmap_max=0") || !tunables.contains("glibc.malloc.trim_threshold=")) {
            return Finding.warning(
                    "GLIBC_TUNABLES does not keep freed memory in the process: training steps may take up "
                            + "to twice as long; the launcher sets it unless you set malloc tunables of your own.");
        }
        String pages = read("/sys/kernel/mm/transparent_hugepage/enabled");
        if (pages.contains("[never]")) {
            return Finding.warning("Freed memory stays in the process, but the kernel gives no huge pages "
                    + "(transparent_hugepage is never): training is somewhat slower; madvise is the better setting.");
        }
        return Finding.ok("Allocator: freed memory stays in the process, in huge pages where the kernel has them.");
    }

    private static Finding libtorch() {
        try {
            long begun = System.nanoTime();
            try (Scope scope = Scope.open()) {
                double nine = Tensor.full(DType.F32, Device.CPU, 3, 2, 2)
                        .square()
                        .mean()
                        .item();
                if (nine != 9) {
                    return Finding.missing(
                            "libtorch loads but computes 3² = " + nine + ": the library is broken here.");
                }
            }
            String gpu =
                    Device.cudaAvailable() ? "with a CUDA device" : "no CUDA device (this build or machine has none)";
            return Finding.ok(String.format(
                    Locale.ROOT,
                    "libtorch %s loads and computes (%.1f s), %s, %d threads.",
                    Torch.version(),
                    (System.nanoTime() - begun) / 1e9,
                    gpu,
                    Torch.threads()));
        } catch (LinkageError broken) {
            return Finding.missing("libtorch does not load (" + broken.getMessage()
                    + "): nothing can be trained or served. It needs a 64-bit glibc system, and a folder to unpack to "
                    + "that may hold programs: set LINGYU_CACHE_DIR to one.");
        }
    }

    static Finding port(int port) {
        try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return Finding.ok("Port " + socket.getLocalPort() + ", where 'lingyu serve' listens, is free.");
        } catch (BindException taken) {
            return Finding.warning("Port " + port + ", where 'lingyu serve' listens, is taken: use --port.");
        } catch (IOException closed) {
            return Finding.warning("Port " + port + " cannot be opened here (" + closed.getMessage() + ").");
        }
    }

    private static long kibibytes(String meminfo, String field) {
        Matcher line = Pattern.compile("^" + field + ":\\s+(\\d+) kB", Pattern.MULTILINE)
                .matcher(meminfo);
        return line.find() ? Long.parseLong(line.group(1)) : 0;
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) GIB);
    }

    private static boolean isLinux() {
        return File.separatorChar == '/' && System.getProperty("os.name").startsWith("Linux");
    }

    private static String read(String file) {
        try {
            return Files.readString(Path.of(file), StandardCharsets.UTF_8);
        } catch (IOException absent) {
            return "";
        }
    }
}
