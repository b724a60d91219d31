package dev.lingyu.engine;

import java.util.Arrays;

/// The ids of one sequence, prompt first, and how often each occurs: what penalties and bans look at.
///
/// Each distinct id has an entry in a small hash table, so that a penalty visits the ids seen and not the
/// vocabulary.
public final class TokenHistory {
    private final int promptLength;
    private int[] ids;
    private int length;
    // Entry e is the e-th distinct id; slots maps a hash to e + 1, 0 where free.
    private int[] slots = new int[64];
    private int[] distinct = new int[32];
    private int[] generatedCounts = new int[32];
    private int distinctCount;

    /// The history of a sequence that starts with these ids, which may be none.
    public TokenHistory(int[] prompt) {
        promptLength = prompt.length;
        ids = Arrays.copyOf(prompt, prompt.length + 64);
        length = prompt.length;
        for (int id : prompt) {
            entry(id);
        }
    }

    private TokenHistory(TokenHistory from) {
        promptLength = from.promptLength;
        ids = from.ids.clone();
        length = from.length;
        slots = from.slots.clone();
        distinct = from.distinct.clone();
        generatedCounts = from.generatedCounts.clone();
        distinctCount = from.distinctCount;
    }

    /// Adds a generated token.
    public void append(int id) {
        if (length == ids.length) {
            ids = Arrays.copyOf(ids, length * 2);
        }
        ids[length++] = id;
        // Not in one expression: Java would take hold of the array before the entry makes it grow.
        int entry = entry(id);
        generatedCounts[entry]++;
    }

    /// An independent copy, for a beam that branches.
    public TokenHistory copy() {
        return new TokenHistory(this);
    }

    /// Tokens of prompt and answer.
    public int length() {
        return length;
    }

    /// Tokens of the answer so far.
    public int generated() {
        return length - promptLength;
    }

    /// The id at a position, 0 being the first of the prompt.
    public int id(int position) {
        if (position >= length) {
            throw new IndexOutOfBoundsException("position " + position + " of " + length + " tokens");
        }
        return ids[position];
    }

    /// The ids of the answer so far.
    public int[] generatedIds() {
        return Arrays.copyOfRange(ids, promptLength, length);
    }

    int distinctCount() {
        return distinctCount;
    }

    int distinct(int entry) {
        return distinct[entry];
    }

    int generatedCount(int entry) {
        return generatedCounts[entry];
    }

    private int entry(int id) {
        int slot = slotOf(id);
        if (slots[slot] != 0) {
            return slots[slot] - 1;
        }
        if (distinctCount == distinct.length) {
            grow();
            slot = slotOf(id);
        }
        distinct[distinctCount] = id;
        slots[slot] = ++distinctCount;
        return distinctCount - 1;
    }

    /// The slot that holds an id, or the free one where it belongs.
    private int slotOf(int id) {
        int mask = slots.length - 1;
        int slot = (id * 0x9E3779B9 >>> 7) & mask;
        while (slots[slot] != 0 && distinct[slots[slot] - 1] != id) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private void grow() {
        int capacity = distinct.length * 2;
        distinct = Arrays.copyOf(distinct, capacity);
        generatedCounts = Arrays.copyOf(generatedCounts, capacity);
        // Half full at most, so that probes stay short.
        slots = new int[capacity * 2];
        for (int entry = 0; entry < distinctCount; entry++) {
            slots[slotOf(distinct[entry])] = entry + 1;
        }
    }
}
