package dev.lingyu.data.sample;

import java.util.List;
import java.util.Map;

/// The sentence frames that don't belong to one attribute, category or policy.
///
/// Templates hold `{p}` product, `{brand}`, `{cat}` category, `{c}` clauses, `{n}` attribute name, `{v}`
/// value, `{b}` budget.
record Phrases(
        Map<String, String> groups,
        List<String> introductions,
        List<String> heldOutIntroductions,
        List<String> openers,
        List<String> followUps,
        List<String> greetings,
        List<String> welcomes,
        List<String> thanks,
        List<String> farewells,
        List<String> needReplies,
        List<String> budgetQuestions,
        String budgetAnswer,
        String system,
        String classifyNeed,
        String classifyTopic,
        String extract) {}
