package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

/// One turn of a dialogue. The content of a [Role#TOOL_CALL] is the call's JSON text.
public record Message(Role role, String content) {
    public Message {
        requireNonNull(role, "role");
        requireNonNull(content, "content");
    }

    public static Message user(String content) {
        return new Message(Role.USER, content);
    }

    public static Message assistant(String content) {
        return new Message(Role.ASSISTANT, content);
    }

    public static Message toolCall(String content) {
        return new Message(Role.TOOL_CALL, content);
    }

    public static Message observation(String content) {
        return new Message(Role.OBSERVATION, content);
    }
}
