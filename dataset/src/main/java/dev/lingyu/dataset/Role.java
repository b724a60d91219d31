package dev.lingyu.dataset;

/// Who speaks in a [Message].
///
/// A dialogue has two sides that take turns. What the model reads comes from [#USER] or [#OBSERVATION] (the
/// result of a tool), what the model says is [#ASSISTANT] or [#TOOL_CALL]. [#SYSTEM] stands before the turns.
public enum Role {
    USER,
    ASSISTANT,
    SYSTEM,
    TOOL_CALL,
    OBSERVATION;

    /// True where the model is the speaker, so that its tokens may be learned.
    public boolean isModel() {
        return this == ASSISTANT || this == TOOL_CALL;
    }
}
