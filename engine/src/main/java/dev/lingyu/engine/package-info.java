/// Generation: KV cache, samplers, batching; no HTTP.
///
/// In: token ids and sampling settings. Out: tokens, one by one, with their log-probabilities.
/// Invariant: what one request gets does not depend on what else is in the batch.
@NullMarked
package dev.lingyu.engine;

import org.jspecify.annotations.NullMarked;
