package dev.lingyu.engine;

import java.util.OptionalInt;

/// Limits of an engine.
///
/// @param maxRows       sequences that are decoded together
/// @param prefillChunk  prompt tokens that go through the model at once [tokens]
/// @param queueLimit    requests that may wait before new ones are refused
/// @param contextLength the longest prompt + answer; empty for what the model promises [tokens]
/// @param batchInvariant whether the arithmetic of a request must not depend on what else is in the batch, so
///     that a
///                      seed gives the same tokens again; slower. In f32 it never does, with or without this
public record EngineOptions(
        int maxRows, int prefillChunk, int queueLimit, OptionalInt contextLength, boolean batchInvariant) {
    /// The fast arithmetic.
    public EngineOptions(int maxRows, int prefillChunk, int queueLimit, OptionalInt contextLength) {
        this(maxRows, prefillChunk, queueLimit, contextLength, false);
    }

    /// 16 rows, chunks of 1,024 tokens, 256 waiting requests.
    public static EngineOptions defaults() {
        return new EngineOptions(16, 1024, 256, OptionalInt.empty());
    }

    /// The same with another number of rows.
    public EngineOptions withMaxRows(int rows) {
        return new EngineOptions(rows, prefillChunk, queueLimit, contextLength, batchInvariant);
    }

    /// The same with batch-invariant arithmetic, or without.
    public EngineOptions withBatchInvariant(boolean yes) {
        return new EngineOptions(maxRows, prefillChunk, queueLimit, contextLength, yes);
    }
}
