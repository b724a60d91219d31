package dev.lingyu.serve;

import io.helidon.common.buffers.DataReader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The reading side of a client's connection, which can tell when the client hangs up while its answer is computed.
///
/// HTTP/1.1 clients send nothing while they wait, so the next thing to read is either their next request or the end of
/// the connection. [#watch] reads that ahead on another thread; the bytes of a next request are kept for the
/// connection's own thread, which finds them here. A client that closes only its sending side counts as gone.
final class ClientConnection implements Supplier<byte @Nullable []> {
    private static final ThreadLocal<@Nullable ClientConnection> CURRENT = new ThreadLocal<>();

    private final DataReader bytes;
    private @Nullable CompletableFuture<byte @Nullable []> ahead;
    private boolean ended;

    ClientConnection(DataReader bytes) {
        this.bytes = bytes;
    }

    /// Runs something to which [#whenCurrentClientLeaves] refers to this connection: the connection's whole life.
    void run(Body body) throws InterruptedException {
        CURRENT.set(this);
        try {
            body.run();
        } finally {
            CURRENT.remove();
        }
    }

    /// What a connection's thread does.
    interface Body {
        void run() throws InterruptedException;
    }

    /// Calls `then`, on another thread, when the client of the request that this thread answers is gone. The request's
    /// body must have been read.
    static void whenCurrentClientLeaves(Runnable then) {
        ClientConnection current = CURRENT.get();
        if (current != null) {
            current.watch(then);
        }
    }

    /// Lets nothing more be read from the connection that this thread serves. Helidon writes `Connection: close` where
    /// the client asked for it, and then waits for the client to close first; the end of input makes it close.
    static void endCurrent() {
        ClientConnection current = CURRENT.get();
        if (current != null) {
            synchronized (current) {
                current.ended = true;
            }
        }
    }

    private synchronized void watch(Runnable then) {
        CompletableFuture<byte @Nullable []> pending = ahead;
        if (pending == null) {
            pending = new CompletableFuture<>();
            CompletableFuture<byte @Nullable []> reading = pending;
            ahead = pending;
            Thread.ofVirtual().name("client-watch").start(() -> {
                try {
                    reading.complete(read());
                } catch (RuntimeException e) {
                    reading.completeExceptionally(e);
                }
            });
        }
        pending.whenComplete((next, error) -> {
            if (next == null || error != null) {
                then.run();
            }
        });
    }

    /// The next bytes from the client, or null at the end: what Helidon's reader asks for.
    @Override
    public byte @Nullable [] get() {
        CompletableFuture<byte @Nullable []> pending;
        synchronized (this) {
            if (ended) {
                return null;
            }
            pending = ahead;
            ahead = null;
        }
        if (pending == null) {
            return read();
        }
        try {
            return pending.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    private byte @Nullable [] read() {
        try {
            bytes.ensureAvailable();
        } catch (DataReader.InsufficientDataAvailableException end) {
            return null;
        }
        return bytes.readBytes(bytes.available());
    }
}
