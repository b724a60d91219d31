package dev.lingyu.tensor;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/// What the C allocator has handed out in this process: the figure that shows a leak of tensors.
///
/// Resident memory does not: it counts mapped files, and pages that the allocator keeps for later.
public final class NativeMemory {
    private static final StructLayout MALLINFO2 = MemoryLayout.structLayout(
            ValueLayout.JAVA_LONG.withName("arena"),
            ValueLayout.JAVA_LONG.withName("ordblks"),
            ValueLayout.JAVA_LONG.withName("smblks"),
            ValueLayout.JAVA_LONG.withName("hblks"),
            ValueLayout.JAVA_LONG.withName("hblkhd"),
            ValueLayout.JAVA_LONG.withName("usmblks"),
            ValueLayout.JAVA_LONG.withName("fsmblks"),
            ValueLayout.JAVA_LONG.withName("uordblks"),
            ValueLayout.JAVA_LONG.withName("fordblks"),
            ValueLayout.JAVA_LONG.withName("keepcost"));
    private static final Optional<MethodHandle> CALL = find("mallinfo2", FunctionDescriptor.of(MALLINFO2));
    private static final Optional<MethodHandle> TRIM =
            find("malloc_trim", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));

    private NativeMemory() {}

    private static Optional<MethodHandle> find(String name, FunctionDescriptor type) {
        Linker linker = Linker.nativeLinker();
        SymbolLookup symbols = linker.defaultLookup();
        return symbols.find(name).map(f -> linker.downcallHandle(f, type));
    }

    /// Gives freed memory back to the system, which the allocator otherwise keeps for later: for the moment after
    /// something large was made from something else. Does nothing where the C library is not glibc.
    public static void releaseFreed() {
        if (TRIM.isPresent()) {
            try {
                int released = (int) TRIM.get().invokeExact(0L);
                assert released >= 0;
            } catch (Throwable e) {
                throw new IllegalStateException("malloc_trim failed", e);
            }
        }
    }

    /// Native objects that wait for somebody to close them, or for the collector: flat when nothing is forgotten.
    public static long openPointers() {
        return org.bytedeco.javacpp.Pointer.totalCount();
    }

    /// Bytes in use, small blocks and mapped ones together; empty where the C library is not glibc ≥ 2.33.
    public static OptionalLong bytesInUse() {
        if (CALL.isEmpty()) {
            return OptionalLong.empty();
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment info = (MemorySegment) CALL.get().invokeExact((SegmentAllocator) arena);
            long small = info.get(
                    ValueLayout.JAVA_LONG, MALLINFO2.byteOffset(MemoryLayout.PathElement.groupElement("uordblks")));
            long mapped = info.get(
                    ValueLayout.JAVA_LONG, MALLINFO2.byteOffset(MemoryLayout.PathElement.groupElement("hblkhd")));
            return OptionalLong.of(small + mapped);
        } catch (Throwable e) {
            throw new IllegalStateException("mallinfo2 failed", e);
        }
    }

    /// Gives freed memory back, and lets [#peakResident] begin anew.
    ///
    /// @return whether the system allows that; else the peak stays that of the whole process
    public static boolean beginPeak() {
        releaseFreed();
        try {
            Files.writeString(Path.of("/proc/self/clear_refs"), "5");
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /// The most memory that this process had in use at once since [#beginPeak], mapped files that it read
    /// included, in bytes; empty where Linux's files do not say.
    public static OptionalLong peakResident() {
        try {
            return OptionalLong.of(1024 * field(Path.of("/proc/self/status"), "VmHWM:"));
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    /// What the machine can still give, or a container's limit leaves, in bytes; empty where Linux's files do not say.
    public static OptionalLong available() {
        try {
            long machine = 1024 * field(Path.of("/proc/meminfo"), "MemAvailable:");
            Path group = Path.of("/sys/fs/cgroup");
            Path limit = group.resolve("memory.max");
            if (!Files.isReadable(limit)) {
                return OptionalLong.of(machine);
            }
            String maximum = Files.readString(limit).strip();
            if (maximum.equals("max")) {
                return OptionalLong.of(machine);
            }
            // Cached files count as used, but give way.
            long used = Long.parseLong(
                            Files.readString(group.resolve("memory.current")).strip())
                    - field(group.resolve("memory.stat"), "inactive_file ");
            return OptionalLong.of(Math.min(machine, Math.max(0, Long.parseLong(maximum) - used)));
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private static long field(Path file, String name) throws IOException {
        for (String line : Files.readAllLines(file)) {
            if (line.startsWith(name)) {
                return Long.parseLong(line.substring(name.length()).replaceAll("\\D", ""));
            }
        }
        throw new IOException(file + " has no " + name);
    }
}
