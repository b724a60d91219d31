package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.TemplateException.Kind;

/// What one rendering may spend: steps (evaluated nodes, loop turns, and work on long values in proportion
/// to their length), characters of any one string, and nesting. A step is a fraction of a microsecond, so a
/// hostile template ends within seconds.
public final class Budget {
    /// Steps per rendering.
    public static final long STEPS = 1_000_000;

    /// Characters (UTF-16) of the output, and of any string on the way.
    public static final int CHARACTERS = 8 << 20;

    /// Nested evaluations, macro calls included: real templates need about 30.
    static final int DEPTH = 500;

    /// Nested blocks and parentheses in the template's text.
    static final int PARSE_DEPTH = 100;

    /// Nesting of a value that is printed, compared or used as a key.
    static final int VALUE_DEPTH = 200;

    /// Elements of one list.
    static final int ELEMENTS = 1_000_000;

    /// Bits of an integer; Python, too, refuses to print longer ones (4,300 digits).
    static final int INTEGER_BITS = 14_280;

    private long steps = STEPS;
    private int depth;

    void step() {
        if (--steps < 0) {
            throw new Fault(Kind.LIMIT, "it took more than " + STEPS + " steps; does a loop run far too often?");
        }
    }

    /// Pays for work on `units` characters or elements.
    void pay(long units) {
        steps -= units >> 5;
        step();
    }

    /// Refuses a string longer than [#CHARACTERS] before it is made.
    void string(long length) {
        if (length > CHARACTERS) {
            throw new Fault(Kind.LIMIT, "it made a text of more than " + CHARACTERS + " characters");
        }
        pay(length);
    }

    /// Refuses a list longer than [#ELEMENTS] before it is made.
    void elements(long count) {
        if (count > ELEMENTS) {
            throw new Fault(Kind.LIMIT, "it made a list of more than " + ELEMENTS + " elements");
        }
        pay(count * 8);
    }

    void enter() {
        if (++depth > DEPTH) {
            throw new Fault(Kind.LIMIT, "it nests more than " + DEPTH + " evaluations; does a macro call itself?");
        }
        step();
    }

    void leave() {
        depth--;
    }

    static void valueDepth(int depth) {
        if (depth > VALUE_DEPTH) {
            throw new Fault(Kind.LIMIT, "a value is nested more than " + VALUE_DEPTH + " levels deep");
        }
    }
}
