package dev.lingyu.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// An arena for tensors: what is made while a scope is open dies when it closes.
///
/// ```java
/// try (Scope scope = Scope.open()) {
///     Tensor scores = queries.matmul(keys.transpose(-1, -2));   // freed at the brace
///     return scope.keep(scores.softmax(-1).matmul(values));     // lives on in the enclosing scope
/// }
/// ```
///
/// Scopes nest per thread. A tensor made while none is open belongs to the caller, who closes it. Native
/// memory of activations that autograd needs is held by the graph, not by the scope: closing a scope never
/// breaks a later backward pass.
public final class Scope implements AutoCloseable {
    private static final ThreadLocal<@Nullable Scope> CURRENT = new ThreadLocal<>();

    private final @Nullable Scope parent;
    private final Thread thread;
    private List<Tensor> tensors = new ArrayList<>();
    private boolean closed;

    private Scope(@Nullable Scope parent) {
        this.parent = parent;
        this.thread = Thread.currentThread();
    }

    /// Opens a scope on this thread, inside the one that is open already, if any.
    public static Scope open() {
        Scope scope = new Scope(CURRENT.get());
        CURRENT.set(scope);
        return scope;
    }

    /// Runs a computation in a scope of its own and keeps only its result.
    public static Tensor compute(Supplier<Tensor> computation) {
        try (Scope scope = Scope.open()) {
            return scope.keep(computation.get());
        }
    }

    /// Runs something in a scope of its own.
    public static void run(Runnable action) {
        try (Scope scope = Scope.open()) {
            action.run();
        }
    }

    /// Moves a tensor to the enclosing scope, or to the caller where there is none.
    public Tensor keep(Tensor tensor) {
        tensor.moveTo(parent);
        return tensor;
    }

    static @Nullable Scope current() {
        return CURRENT.get();
    }

    void add(Tensor tensor) {
        tensors.add(tensor);
    }

    /// Closes every tensor made in this scope and not kept.
    ///
    /// @throws IllegalStateException on another thread, or while an inner scope is still open
    @Override
    public void close() {
        if (closed) {
            return;
        }
        if (Thread.currentThread() != thread || CURRENT.get() != this) {
            throw new IllegalStateException("A scope closes on the thread that opened it, after its inner scopes.");
        }
        closed = true;
        if (parent == null) {
            CURRENT.remove();
        } else {
            CURRENT.set(parent);
        }
        for (int i = tensors.size(); i-- > 0; ) {
            Tensor tensor = tensors.get(i);
            if (tensor.isOwnedBy(this)) {
                tensor.close();
            }
        }
        tensors = List.of();
    }
}
