package dev.lingyu.tensor.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.lingyu.tensor.Torch;
import java.io.File;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import org.bytedeco.javacpp.Loader;

/// The part of oneDNN's C interface that [PanelMatmul] needs, called without a wrapper; numbers are those of its
/// headers. Handles are addresses of oneDNN's objects.
///
/// Products run on the thread that asks: [#alone] tells OpenMP so, and [Workers] are the only threads that share.
final class OneDnn {
    private static final int BF16 = 2;
    private static final int ROWS = 3;
    private static final int PANELS = 384;
    private static final int CPU = 1;
    private static final int IN_ORDER = 1;
    private static final int KERNEL_NAME = 8;
    private static final int SCRATCHPAD = 136;
    private static final int SCRATCHPAD_OF_USER = 1;
    private static final int MAX_RANK = 12;

    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup LIBRARY = load();
    private static final MethodHandle THREADS = LINKER.downcallHandle(
            SymbolLookup.libraryLookup("libgomp.so.1", Arena.global())
                    .find("omp_set_num_threads")
                    .orElseThrow(() -> new UnsatisfiedLinkError("OpenMP lacks omp_set_num_threads")),
            FunctionDescriptor.ofVoid(JAVA_INT));
    private static final MethodHandle ENGINE_CREATE = function("dnnl_engine_create", ADDRESS, JAVA_INT, JAVA_LONG);
    private static final MethodHandle STREAM_CREATE = function("dnnl_stream_create", ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle DESCRIBE_BY_TAG =
            function("dnnl_memory_desc_create_with_tag", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle DESCRIBE_BY_STRIDES =
            function("dnnl_memory_desc_create_with_strides", ADDRESS, JAVA_INT, ADDRESS, JAVA_INT, ADDRESS);
    private static final MethodHandle DESCRIPTION_SIZE =
            LINKER.downcallHandle(symbol("dnnl_memory_desc_get_size"), FunctionDescriptor.of(JAVA_LONG, JAVA_LONG));
    private static final MethodHandle DESCRIPTION_DESTROY = function("dnnl_memory_desc_destroy", JAVA_LONG);
    private static final MethodHandle ATTRIBUTES_CREATE = function("dnnl_primitive_attr_create", ADDRESS);
    private static final MethodHandle ATTRIBUTES_SCRATCHPAD =
            function("dnnl_primitive_attr_set_scratchpad_mode", JAVA_LONG, JAVA_INT);
    private static final MethodHandle MATMUL_DESCRIBE = function(
            "dnnl_matmul_primitive_desc_create",
            ADDRESS,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG);
    private static final MethodHandle QUERY =
            function("dnnl_primitive_desc_query", JAVA_LONG, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle QUERY_DESCRIPTION = LINKER.downcallHandle(
            symbol("dnnl_primitive_desc_query_md"), FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT));
    private static final MethodHandle PRIMITIVE_DESCRIPTION_DESTROY =
            function("dnnl_primitive_desc_destroy", JAVA_LONG);
    private static final MethodHandle PRIMITIVE_CREATE = function("dnnl_primitive_create", ADDRESS, JAVA_LONG);
    private static final MethodHandle PRIMITIVE_DESTROY = function("dnnl_primitive_destroy", JAVA_LONG);
    private static final MethodHandle PRIMITIVE_EXECUTE =
            function("dnnl_primitive_execute", JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS);
    private static final MethodHandle MEMORY_CREATE =
            function("dnnl_memory_create", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle MEMORY_DESTROY = function("dnnl_memory_destroy", JAVA_LONG);
    private static final MethodHandle MEMORY_MOVE = function("dnnl_memory_set_data_handle", JAVA_LONG, JAVA_LONG);

    /// One engine, one stream and one set of attributes serve the process.
    private static final long ENGINE = create(ENGINE_CREATE, CPU, 0L);

    private static final long STREAM = create(STREAM_CREATE, ENGINE, IN_ORDER);
    private static final long ATTRIBUTES = attributes();

    private OneDnn() {}

    private static SymbolLookup load() {
        String platform = Loader.getPlatform();
        if (!platform.equals("linux-x86_64")) {
            throw new UnsatisfiedLinkError("oneDNN is not used on " + platform);
        }
        // libtorch first: oneDNN then shares its OpenMP.
        Torch.threads();
        String resource = "/org/bytedeco/dnnl/" + platform + "/libdnnl.so.3";
        try {
            File unpacked = Loader.cacheResource(resource);
            if (unpacked == null) {
                throw new UnsatisfiedLinkError("No " + resource + " on the class path");
            }
            return SymbolLookup.libraryLookup(unpacked.toPath(), Arena.global());
        } catch (IOException | IllegalArgumentException e) {
            throw (UnsatisfiedLinkError) new UnsatisfiedLinkError("Cannot load " + resource).initCause(e);
        }
    }

    private static MemorySegment symbol(String name) {
        return LIBRARY.find(name).orElseThrow(() -> new UnsatisfiedLinkError("oneDNN lacks " + name));
    }

    private static MethodHandle function(String name, MemoryLayout... arguments) {
        return LINKER.downcallHandle(symbol(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /// Calls a function whose first argument is where the new object's address goes.
    private static long create(MethodHandle function, Object... arguments) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment result = arena.allocate(ADDRESS);
            Object[] all = new Object[arguments.length + 1];
            all[0] = result;
            System.arraycopy(arguments, 0, all, 1, arguments.length);
            check((int) function.invokeWithArguments(all));
            return result.get(JAVA_LONG, 0);
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    private static void call(MethodHandle function, long handle) {
        try {
            check((int) function.invokeExact(handle));
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    private static void check(int status) {
        if (status != 0) {
            throw new IllegalStateException("oneDNN refused with status " + status);
        }
    }

    private static RuntimeException unchecked(Throwable e) {
        if (e instanceof RuntimeException runtime) {
            return runtime;
        }
        if (e instanceof Error error) {
            throw error;
        }
        return new IllegalStateException(e);
    }

    private static long attributes() {
        long attributes = create(ATTRIBUTES_CREATE);
        try {
            // Scratch memory belongs to each product, not to the thread that made it.
            check((int) ATTRIBUTES_SCRATCHPAD.invokeExact(attributes, SCRATCHPAD_OF_USER));
        } catch (Throwable e) {
            throw unchecked(e);
        }
        return attributes;
    }

    /// Runs work in which OpenMP starts no threads, whatever the calling thread has set otherwise.
    static void alone(Runnable work) {
        // Asked before: OpenMP's number of threads, which is libtorch's too, is the calling thread's own.
        int before = Torch.threads();
        try {
            THREADS.invokeExact(1);
            try {
                work.run();
            } finally {
                THREADS.invokeExact(before);
            }
        } catch (Throwable e) {
            throw unchecked(e);
        }
    }

    private static MemorySegment pair(Arena arena, long first, long second) {
        MemorySegment values = arena.allocate(JAVA_LONG, MAX_RANK);
        values.setAtIndex(JAVA_LONG, 0, first);
        values.setAtIndex(JAVA_LONG, 1, second);
        return values;
    }

    private static long describe(int tag, long rows, long columns) {
        try (Arena arena = Arena.ofConfined()) {
            return create(DESCRIBE_BY_TAG, 2, pair(arena, rows, columns), BF16, tag);
        }
    }

    private static long describeRows(long rows, long columns, long step) {
        try (Arena arena = Arena.ofConfined()) {
            return create(DESCRIBE_BY_STRIDES, 2, pair(arena, rows, columns), BF16, pair(arena, step, 1));
        }
    }

    /// A product of one shape `y = x · Wᵀ + bias` in bf16, made ready for one thread at a time.
    static final class Matmul implements AutoCloseable {
        private static final int BYTES = 16;
        private static final int X = 1;
        private static final int Y = 17;
        private static final int W = 33;
        private static final int BIAS = 41;
        private static final int SCRATCH = 80;

        private final Arena arena = Arena.ofShared();
        private final MemorySegment arguments = arena.allocate(5L * BYTES, 8);
        private final String kernel;
        private final long primitive;
        private final boolean biased;
        private int count;

        /// @param rows   rows of x and y
        /// @param in     columns of x
        /// @param out    columns of y
        /// @param step   from one row of y to the next, in elements
        /// @param biased whether a bias is added
        Matmul(long rows, long in, long out, long step, boolean biased) {
            this.biased = biased;
            long x = describe(ROWS, rows, in);
            long w = describe(PANELS, in, out);
            long y = describeRows(rows, out, step);
            long bias = biased ? describe(ROWS, 1, out) : 0;
            long description = create(MATMUL_DESCRIBE, ENGINE, x, w, bias, y, ATTRIBUTES);
            kernel = kernelName(description);
            primitive = create(PRIMITIVE_CREATE, description);
            argument(X, x, 0);
            argument(W, w, 0);
            argument(Y, y, 0);
            if (biased) {
                argument(BIAS, bias, 0);
            }
            addScratch(description);
            for (long each : biased ? new long[] {x, w, y, bias} : new long[] {x, w, y}) {
                call(DESCRIPTION_DESTROY, each);
            }
            call(PRIMITIVE_DESCRIPTION_DESTROY, description);
        }

        private static String kernelName(long description) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment result = arena.allocate(ADDRESS);
                check((int) QUERY.invokeExact(description, KERNEL_NAME, 0, result));
                return result.get(ADDRESS, 0).reinterpret(256).getString(0);
            } catch (Throwable e) {
                throw unchecked(e);
            }
        }

        private void addScratch(long description) {
            try {
                long scratch = (long) QUERY_DESCRIPTION.invokeExact(description, SCRATCHPAD, 0);
                long bytes = (long) DESCRIPTION_SIZE.invokeExact(scratch);
                if (bytes > 0) {
                    argument(SCRATCH, scratch, arena.allocate(bytes, 64).address());
                }
            } catch (Throwable e) {
                throw unchecked(e);
            }
        }

        private void argument(int kind, long description, long address) {
            MemorySegment slot = arguments.asSlice((long) BYTES * count++);
            slot.set(JAVA_INT, 0, kind);
            slot.set(JAVA_LONG, 8, create(MEMORY_CREATE, description, ENGINE, address));
        }

        private long memory(int index) {
            return arguments.get(JAVA_LONG, (long) BYTES * index + 8);
        }

        private void move(int index, long address) throws Throwable {
            check((int) MEMORY_MOVE.invokeExact(memory(index), address));
        }

        /// What oneDNN chose, such as `brg_matmul:avx512_core_bf16`.
        String kernel() {
            return kernel;
        }

        /// Computes one product; all are addresses of bf16.
        ///
        /// @param w    panels
        /// @param bias ignored where none is added
        void run(long x, long w, long bias, long y) {
            try {
                move(0, x);
                move(1, w);
                move(2, y);
                if (biased) {
                    move(3, bias);
                }
                check((int) PRIMITIVE_EXECUTE.invokeExact(primitive, STREAM, count, arguments));
            } catch (Throwable e) {
                throw unchecked(e);
            }
        }

        @Override
        public void close() {
            call(PRIMITIVE_DESTROY, primitive);
            for (int i = 0; i < count; i++) {
                call(MEMORY_DESTROY, memory(i));
            }
            arena.close();
        }
    }
}
