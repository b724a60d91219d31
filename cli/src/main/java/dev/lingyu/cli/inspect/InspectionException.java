package dev.lingyu.cli.inspect;

/// A path that is nothing this program knows, or that is damaged; the message is a sentence for the user.
public final class InspectionException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public InspectionException(String sentence) {
        super(sentence);
    }
}
