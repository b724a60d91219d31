package dev.lingyu.data.sample;

import java.util.List;

/// A test question with its reference.
///
/// @param question what the model is asked
/// @param answer   the reference answer
/// @param key      the value that a right answer must contain, such as `450升`
/// @param category category or policy topic
/// @param factId   `fridge/B48/price` or `policy/return-days`
/// @param rivals   values of the same attribute that contradict a key without a unit, such as the other
///                 colours; empty
/// for quantities
public record TestRow(
        String question, String answer, String key, String category, String factId, List<String> rivals) {}
