package dev.lingyu.dataset;

import java.util.Optional;

/// What is wrong with one row; where the row is, the reader knows.
final class RowFault extends Exception {
    private static final long serialVersionUID = 1L;

    /// What a fault means for the rows around it.
    public enum Weight {
        /// The row is not a valid row: the policy for bad rows decides.
        BAD,
        /// A valid row that can't be learned from, such as a dialogue without its last answer. LLaMA-Factory
        /// leaves these out with a warning, and so do we under either policy.
        UNUSABLE,
        /// Nothing after this row can be told apart: the file ends here with an error.
        FATAL
    }

    private final Weight weight;
    private final transient Optional<String> field;

    private RowFault(Weight weight, Optional<String> field, String problem) {
        // Foreign files may hold millions of these: no stack trace.
        super(problem, null, false, false);
        this.weight = weight;
        this.field = field;
    }

    public static RowFault bad(String problem) {
        return new RowFault(Weight.BAD, Optional.empty(), problem);
    }

    public static RowFault bad(String field, String problem) {
        return new RowFault(Weight.BAD, Optional.of(field), problem);
    }

    public static RowFault unusable(String problem) {
        return new RowFault(Weight.UNUSABLE, Optional.empty(), problem);
    }

    public static RowFault fatal(String problem) {
        return new RowFault(Weight.FATAL, Optional.empty(), problem);
    }

    public Weight weight() {
        return weight;
    }

    public Optional<String> field() {
        return field;
    }

    /// Field and problem in words, without the place.
    public String reason() {
        return field.map(name -> "field \"" + name + "\": ").orElse("") + getMessage();
    }
}
