package dev.lingyu.engine;

import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/// The sentences about sampling settings that are out of range.
final class SamplingChecks {
    private SamplingChecks() {}

    static void between(String field, double value, double low, double high) {
        // Written so that a NaN fails.
        if (!(value >= low && value <= high)) {
            throw wrong(field, number(value), "a number from " + number(low) + " to " + number(high));
        }
    }

    static void between(String field, int value, int low, int high, String note) {
        if (value < low || value > high) {
            throw wrong(field, "" + value, "a whole number from " + low + " to " + high + note);
        }
    }

    static void atLeast(String field, int value, int low, String note) {
        if (value < low) {
            String tail = note.isEmpty() ? "" : " (" + note + ")";
            throw wrong(field, "" + value, "a whole number of at least " + low + tail);
        }
    }

    static void positive(String field, double value, double high) {
        if (!(value > 0 && value <= high)) {
            throw wrong(field, number(value), "a number above 0 and at most " + number(high) + " (1 turns it off)");
        }
    }

    static void tokenId(String field, int id) {
        if (id < 0) {
            throw wrong(field, "" + id, "token ids, which are not negative");
        }
    }

    static void badWord(List<Integer> word) {
        if (word.isEmpty()) {
            throw wrong("bad_words_ids", "a list that holds an empty list", "lists of at least one token id each");
        }
        word.forEach(id -> tokenId("bad_words_ids", id));
    }

    static void bias(int id, double bias) {
        tokenId("logit_bias", id);
        between("logit_bias for token " + id, bias, -100, 100);
    }

    static void stop(String stop) {
        if (stop.isEmpty()) {
            throw wrong("stop", "an empty text", "texts of at least one character");
        }
    }

    static void alternatives(DecodingMethod decoder, OptionalInt logprobs) {
        if (decoder == DecodingMethod.BEAM && logprobs.orElse(0) > 0) {
            throw wrong(
                    "logprobs",
                    "" + logprobs.getAsInt(),
                    "0, because a beam search gives no alternatives to the tokens of its answers");
        }
    }

    static void answers(DecodingMethod decoder, int n, int beams) {
        if (decoder == DecodingMethod.BEAM && n > beams) {
            throw wrong("n", "" + n, "at most num_beams, which is " + beams + ", answers of a beam search");
        }
        if (decoder == DecodingMethod.CONTRASTIVE && n > 1) {
            throw wrong("n", "" + n, "1, because contrastive search gives the same answer every time");
        }
    }

    /// An id that a request names and the model does not have.
    static void known(String field, int id, int vocabularySize) {
        if (id < 0 || id >= vocabularySize) {
            throw wrong(field, "token " + id, "an id from 0 to " + (vocabularySize - 1) + ", which this model has");
        }
    }

    private static SamplingException wrong(String field, String found, String expected) {
        return new SamplingException(field + " is " + found + "; expected " + expected + ".");
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e9
                ? String.format(Locale.ROOT, "%.0f", value)
                : "" + value;
    }
}
