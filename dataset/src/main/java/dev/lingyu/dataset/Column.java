package dev.lingyu.dataset;

import java.util.Locale;

/// The parts of a row that LLaMA-Factory's `columns` give names to.
public enum Column {
    PROMPT,
    QUERY,
    RESPONSE,
    HISTORY,
    MESSAGES,
    SYSTEM,
    TOOLS,
    CHOSEN,
    REJECTED,
    KTO_TAG;

    /// The key in `columns`: `kto_tag`.
    public String key() {
        return name().toLowerCase(Locale.ROOT);
    }
}
