package dev.lingyu.dataset;

import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/// What the user is told when something is refused.
final class Refusals {
    private Refusals() {}

    static DatasetException of(ThrowingCallable action) {
        DatasetException refusal = catchThrowableOfType(DatasetException.class, action);
        if (refusal == null) {
            throw new AssertionError("nothing was refused");
        }
        return refusal;
    }

    static String messageOf(ThrowingCallable action) {
        return String.valueOf(of(action).getMessage());
    }
}
