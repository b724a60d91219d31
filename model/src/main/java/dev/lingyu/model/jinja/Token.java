package dev.lingyu.model.jinja;

/// One token of a template. `value` is the text for names and operators, the unescaped text for strings, a
/// `Long`, `BigInteger` or `Double` for numbers.
record Token(Kind kind, Object value, int line) {
    enum Kind {
        DATA,
        VARIABLE_BEGIN,
        VARIABLE_END,
        BLOCK_BEGIN,
        BLOCK_END,
        NAME,
        STRING,
        NUMBER,
        OPERATOR,
        END
    }

    boolean is(Kind kind, String text) {
        return this.kind == kind && value.equals(text);
    }

    boolean isName(String text) {
        return is(Kind.NAME, text);
    }

    boolean isOperator(String text) {
        return is(Kind.OPERATOR, text);
    }

    String text() {
        return String.valueOf(value);
    }

    /// How an error message calls it.
    String description() {
        return switch (kind) {
            case DATA -> "text";
            case VARIABLE_BEGIN -> "'{{'";
            case VARIABLE_END -> "the end of the print statement '}}'";
            case BLOCK_BEGIN -> "'{%'";
            case BLOCK_END -> "the end of the block '%}'";
            case STRING -> "a string";
            case END -> "the end of the template";
            case NAME, NUMBER, OPERATOR -> "'" + value + "'";
        };
    }
}
