package dev.lingyu.model;

import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/// Sequences of different lengths, laid end to end without padding.
///
/// All layers but attention see one matrix [tokens × features]; attention sees each sequence by itself. So
/// padding can have no effect, packing documents costs nothing, and a prompt and a decode step can share a
/// batch.
///
/// Whoever needs features *at* padding, as DeepSpeed's pairwise loss does, lays it out as tokens that see the
/// real ones but are seen by none ([#padded]).
///
/// @param ids     the tokens of all sequences
/// @param lengths tokens per sequence; their sum is `ids.length`
/// @param starts  the position of each sequence's first token: 0, or the number of tokens already in its cache
/// @param hidden  how many tokens at the end of each sequence no token sees: its padding
public record TokenBatch(int[] ids, int[] lengths, int[] starts, int[] hidden) {
    /// Sequences without padding.
    public TokenBatch(int[] ids, int[] lengths, int[] starts) {
        this(ids, lengths, starts, new int[lengths.length]);
    }

    public TokenBatch {
        if (Arrays.stream(lengths).sum() != ids.length || starts.length != lengths.length) {
            throw new IllegalArgumentException("The lengths " + Arrays.toString(lengths) + " do not add up to "
                    + ids.length + " tokens, or there is not one start for each.");
        }
        for (int length : lengths) {
            if (length < 1) {
                throw new IllegalArgumentException("A sequence needs at least one token.");
            }
        }
    }

    /// Whole sequences, each from position 0.
    public static TokenBatch of(List<int[]> sequences) {
        return new TokenBatch(
                sequences.stream().flatMapToInt(Arrays::stream).toArray(),
                sequences.stream().mapToInt(s -> s.length).toArray(),
                new int[sequences.size()]);
    }

    /// Whole sequences, each filled up at its end to a length.
    ///
    /// @param lengths what to fill each sequence up to
    /// @param pad     the id to fill up with
    public static TokenBatch padded(List<int[]> sequences, int[] lengths, int pad) {
        int[] ids = new int[Arrays.stream(lengths).sum()];
        int[] hidden = new int[lengths.length];
        int at = 0;
        for (int i = 0; i < lengths.length; i++) {
            int[] sequence = sequences.get(i);
            hidden[i] = lengths[i] - sequence.length;
            System.arraycopy(sequence, 0, ids, at, sequence.length);
            Arrays.fill(ids, at + sequence.length, at + lengths[i], pad);
            at += lengths[i];
        }
        return new TokenBatch(ids, lengths, new int[lengths.length], hidden);
    }

    /// One whole sequence.
    public static TokenBatch of(int... ids) {
        return of(List.of(ids));
    }

    /// How many sequences there are.
    public int sequences() {
        return lengths.length;
    }

    /// How many tokens there are in all.
    public int tokens() {
        return ids.length;
    }

    /// The row of each sequence's last token.
    public int[] lastRows() {
        int[] rows = new int[lengths.length];
        int end = 0;
        for (int i = 0; i < rows.length; i++) {
            end += lengths[i];
            rows[i] = end - 1;
        }
        return rows;
    }

    /// Whether all sequences have one length and start at 0, so that attention can take them at once.
    boolean isUniform() {
        for (int i = 0; i < lengths.length; i++) {
            if (lengths[i] != lengths[0] || starts[i] != 0 || hidden[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /// The position of each token in its sequence.
    int[] positions() {
        int[] positions = new int[ids.length];
        int row = 0;
        for (int i = 0; i < lengths.length; i++) {
            for (int t = 0; t < lengths[i]; t++) {
                positions[row++] = starts[i] + t;
            }
        }
        return positions;
    }

    /// The position of each token in its sequence, as int64 [tokens].
    public Tensor positionTensor(Device device) {
        int[] positions = positions();
        return Tensor.of(positions, positions.length).to(device);
    }

    /// The ids as int64 [tokens].
    public Tensor idTensor(Device device) {
        return Tensor.of(ids, ids.length).to(device);
    }
}
