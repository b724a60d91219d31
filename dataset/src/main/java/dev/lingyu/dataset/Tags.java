package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.util.Map;

/// How a message in a file says who speaks and what: `{"from": "human", "value": "…"}`.
///
/// @param roleTag the field with the speaker
/// @param contentTag the field with the words
/// @param roles what the speakers are called; a file may have several names for one role
public record Tags(String roleTag, String contentTag, Map<String, Role> roles) {
    private static final Map<String, Role> SHAREGPT = Map.of(
            "human", Role.USER,
            "gpt", Role.ASSISTANT,
            "observation", Role.OBSERVATION,
            "function_call", Role.TOOL_CALL,
            "system", Role.SYSTEM);
    private static final Map<String, Role> KNOWN = Map.ofEntries(
            Map.entry("human", Role.USER),
            Map.entry("user", Role.USER),
            Map.entry("gpt", Role.ASSISTANT),
            Map.entry("assistant", Role.ASSISTANT),
            Map.entry("chatgpt", Role.ASSISTANT),
            Map.entry("bot", Role.ASSISTANT),
            Map.entry("observation", Role.OBSERVATION),
            Map.entry("tool", Role.OBSERVATION),
            Map.entry("function_call", Role.TOOL_CALL),
            Map.entry("tool_call", Role.TOOL_CALL),
            Map.entry("system", Role.SYSTEM));

    public Tags {
        requireNonNull(roleTag, "roleTag");
        requireNonNull(contentTag, "contentTag");
        roles = Map.copyOf(roles);
    }

    /// LLaMA-Factory's defaults: from, value, human, gpt, observation, function_call, system.
    public static Tags sharegpt() {
        return new Tags("from", "value", SHAREGPT);
    }

    /// The given fields, with every role name that is common in the wild.
    public static Tags lenient(String roleTag, String contentTag) {
        return new Tags(roleTag, contentTag, KNOWN);
    }
}
