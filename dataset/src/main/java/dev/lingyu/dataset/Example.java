package dev.lingyu.dataset;

/// One thing to learn from, in the shape that a training stage needs.
///
/// | stage | shape |
/// |---|---|
/// | pretraining | [TextExample] |
/// | supervised fine-tuning | [Conversation] |
/// | reward model, DPO | [PreferencePair] |
/// | PPO, GRPO | [PromptExample] |
/// | KTO | [LabelledExample] |
public sealed interface Example permits TextExample, Conversation, PreferencePair, PromptExample, LabelledExample {
    /// What a person calls this shape, in the plural: `conversations`.
    static String nameOf(Class<? extends Example> shape) {
        if (shape == TextExample.class) {
            return "plain texts";
        }
        if (shape == Conversation.class) {
            return "conversations";
        }
        if (shape == PreferencePair.class) {
            return "preference pairs";
        }
        if (shape == PromptExample.class) {
            return "prompts";
        }
        return shape == LabelledExample.class ? "labelled answers" : "examples";
    }
}
