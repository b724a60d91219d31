package dev.lingyu.data.sample;

import java.util.List;

/// A training row in the alpaca form.
///
/// @param task        what the row teaches
/// @param instruction the user's last turn, or the task
/// @param input       the material of the task; may be empty
/// @param output      the answer to learn
/// @param history     earlier turns, oldest first; may be empty
/// @param system      system prompt; may be empty
public record SftRow(Task task, String instruction, String input, String output, List<Turn> history, String system) {

    /// What a row teaches.
    public enum Task {
        /// A fact about a product.
        ATTRIBUTE,
        /// A rule of the store.
        POLICY,
        /// Two products compared by one attribute.
        COMPARISON,
        /// A need or a question put into a category.
        CLASSIFICATION,
        /// Parameters taken out of an introduction.
        EXTRACTION,
        /// A product for a need or a budget.
        RECOMMENDATION,
        /// A follow-up question that names no product.
        CONVERSATION
    }

    /// An earlier exchange.
    public record Turn(String user, String assistant) {}

    /// The user's last turn as a model sees it: instruction and input, joined by a line break as alpaca rows are.
    public String asked() {
        return input.isEmpty() ? instruction : instruction + "\n" + input;
    }

    static SftRow of(Task task, String instruction, String input, String output) {
        return new SftRow(task, instruction, input, output, List.of(), "");
    }
}
