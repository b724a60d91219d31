package dev.lingyu.engine;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/// A request on its way through the engine.
public final class Generation {
    private final CompletableFuture<GenerationResult> future = new CompletableFuture<>();
    private volatile boolean cancelled;

    Generation() {}

    /// Asks the engine to stop after the current step. The result then holds what was generated.
    public void cancel() {
        cancelled = true;
    }

    boolean isCancelled() {
        return cancelled;
    }

    void complete(GenerationResult result) {
        future.complete(result);
    }

    void fail(RuntimeException error) {
        future.completeExceptionally(error);
    }

    /// Whether the request is finished, failed or cancelled.
    public boolean isDone() {
        return future.isDone();
    }

    /// Completes when the request does; exceptionally with an [EngineException] when it fails.
    public CompletableFuture<GenerationResult> future() {
        return future;
    }

    /// Waits for the end.
    ///
    /// @throws EngineException when the engine failed or was closed meanwhile
    public GenerationResult await() {
        try {
            return future.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }
}
