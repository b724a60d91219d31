package dev.lingyu.model.jinja;

import java.util.AbstractList;
import java.util.RandomAccess;

/// `range(start, stop, step)`: at most [#LONGEST] integers, as jinja2's sandbox has it.
final class Range extends AbstractList<Object> implements RandomAccess {
    static final int LONGEST = 100_000;

    private final long start;
    private final long stop;
    private final long step;
    private final int size;

    Range(long start, long stop, long step) {
        if (step == 0) {
            throw new Fault("range() arg 3 must not be zero");
        }
        double count = Math.max(0, Math.ceil(((double) stop - (double) start) / (double) step));
        if (count > LONGEST) {
            throw new Fault("range is too big: at most " + LONGEST + " numbers are allowed");
        }
        this.start = start;
        this.stop = stop;
        this.step = step;
        this.size = (int) count;
    }

    @Override
    public Object get(int index) {
        if (index < 0 || index >= size) {
            throw new IndexOutOfBoundsException(index);
        }
        return start + index * step;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String toString() {
        return "range(" + start + ", " + stop + (step == 1 ? "" : ", " + step) + ")";
    }
}
