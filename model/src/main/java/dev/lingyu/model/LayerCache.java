package dev.lingyu.model;

import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import dev.lingyu.tensor.kernel.AttentionPanels;
import java.util.Optional;

/// The keys and values of one layer and one sequence. Two ways to lay them out: as tensors anywhere, or in the panels
/// of a kernel.
sealed interface LayerCache extends AutoCloseable {
    /// Stores tokens from place `at` on; there is room.
    ///
    /// @param k   [tokens × keyValueHeads × headSize]
    /// @param v   as k
    /// @param row the first token's row in both
    /// @param n   how many tokens
    void put(int at, Tensor k, Tensor v, int row, int n);

    /// The first tokens' keys [keyValueHeads × tokens × headSize], a view or a copy.
    Tensor keys(int tokens);

    /// The first tokens' values, likewise.
    Tensor values(int tokens);

    /// The panels, where that is the layout.
    Optional<AttentionPanels> panels();

    /// Takes the tokens `from` to `to` (exclusive) over from another cache of the same layout.
    void copy(LayerCache other, int from, int to);

    /// Makes room for so many tokens.
    ///
    /// @param used how many there are
    void grow(int tokens, int used);

    /// Bytes held.
    long byteCount();

    @Override
    void close();

    /// Keys and values as tensors [keyValueHeads × capacity × headSize].
    final class Plain implements LayerCache {
        private Tensor keys;
        private Tensor values;

        /// @param keys   room for keys [keyValueHeads × capacity × headSize]
        /// @param values room for values
        Plain(Tensor keys, Tensor values) {
            this.keys = keys.detachFromScope();
            this.values = values.detachFromScope();
        }

        @Override
        public void put(int at, Tensor k, Tensor v, int row, int n) {
            try (Scope scope = Scope.open()) {
                keys.narrow(1, at, n).copyInPlace(k.narrow(0, row, n).transpose(0, 1));
                values.narrow(1, at, n).copyInPlace(v.narrow(0, row, n).transpose(0, 1));
            }
        }

        @Override
        public Tensor keys(int tokens) {
            return keys.narrow(1, 0, tokens);
        }

        @Override
        public Tensor values(int tokens) {
            return values.narrow(1, 0, tokens);
        }

        @Override
        public Optional<AttentionPanels> panels() {
            return Optional.empty();
        }

        @Override
        public void copy(LayerCache other, int from, int to) {
            try (Scope scope = Scope.open()) {
                keys.narrow(1, from, to - from).copyInPlace(other.keys(to).narrow(1, from, to - from));
                values.narrow(1, from, to - from).copyInPlace(other.values(to).narrow(1, from, to - from));
            }
        }

        @Override
        public void grow(int tokens, int used) {
            try (Scope scope = Scope.open();
                    Plain old = new Plain(keys, values)) {
                keys = larger(tokens);
                values = larger(tokens);
                copy(old, 0, used);
            }
        }

        private Tensor larger(int tokens) {
            return Tensor.empty(keys.dtype(), keys.device(), keys.size(0), tokens, keys.size(2))
                    .detachFromScope();
        }

        @Override
        public long byteCount() {
            return keys.byteCount() + values.byteCount();
        }

        @Override
        public void close() {
            keys.close();
            values.close();
        }
    }

    /// Keys and values in a kernel's panels.
    ///
    /// @param content owned
    record Panels(AttentionPanels content) implements LayerCache {
        @Override
        public void put(int at, Tensor k, Tensor v, int row, int n) {
            content.put(at, k, v, row, n);
        }

        @Override
        public Tensor keys(int tokens) {
            return content.keys(tokens);
        }

        @Override
        public Tensor values(int tokens) {
            return content.values(tokens);
        }

        @Override
        public Optional<AttentionPanels> panels() {
            return Optional.of(content);
        }

        @Override
        public void copy(LayerCache other, int from, int to) {
            content.copy(other.panels().orElseThrow(), from, to);
        }

        @Override
        public void grow(int tokens, int used) {
            content.grow(tokens, used);
        }

        @Override
        public long byteCount() {
            return content.byteCount();
        }

        @Override
        public void close() {
            content.close();
        }
    }
}
