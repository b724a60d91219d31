package dev.lingyu.dataset;

import java.util.Optional;

/// From the shape that a file holds to the shape that a stage wants, and whether its turns are regular.
///
/// Every shape with a prompt can serve as a [PromptExample]. A text and a prompt of one question are the same
/// row read for different stages, so each can serve as the other. Nothing else is converted.
final class Shapes {
    private Shapes() {}

    /// The example in the wanted shape, or empty if it can't be had from this shape.
    ///
    /// @param wanted a shape, or [Example] for the one the file holds
    /// @throws RowFault of weight UNUSABLE if the turns are not regular
    public static <E extends Example> Optional<E> as(Example example, Class<E> wanted) throws RowFault {
        Example shaped = example;
        if (wanted == PromptExample.class) {
            shaped = new PromptExample(prompt(example));
        } else if (wanted == TextExample.class
                && example instanceof PromptExample(Conversation prompt)
                && prompt.system().isEmpty()
                && prompt.messages().size() == 1) {
            shaped = TextExample.of(prompt.messages().getFirst().content());
        }
        if (!wanted.isInstance(shaped)) {
            return Optional.empty();
        }
        check(shaped);
        return Optional.of(wanted.cast(shaped));
    }

    private static Conversation prompt(Example example) {
        return switch (example) {
            case TextExample(String text) -> Conversation.of(Message.user(text));
            case Conversation conversation -> conversation.withoutAnswer();
            case PreferencePair pair -> pair.prompt();
            case PromptExample(Conversation prompt) -> prompt;
            case LabelledExample labelled -> labelled.conversation().withoutAnswer();
        };
    }

    private static void check(Example example) throws RowFault {
        switch (example) {
            case TextExample text -> {
                // Every text is regular.
            }
            case Conversation conversation -> ending(conversation, true);
            case LabelledExample labelled -> ending(labelled.conversation(), true);
            case PromptExample(Conversation prompt) -> ending(prompt, false);
            case PreferencePair(Conversation prompt, Message chosen, Message rejected) -> {
                ending(prompt, false);
                speaksForModel(chosen);
                speaksForModel(rejected);
            }
        }
    }

    private static void ending(Conversation conversation, boolean answered) throws RowFault {
        Optional<String> irregularity = conversation.irregularity();
        if (irregularity.isPresent()) {
            throw RowFault.unusable(irregularity.get());
        }
        if (conversation.endsWithAnswer() != answered) {
            throw RowFault.unusable(
                    answered
                            ? "the conversation ends without an answer"
                            : "the prompt ends with an answer instead of a question");
        }
    }

    private static void speaksForModel(Message answer) throws RowFault {
        if (!answer.role().isModel()) {
            throw RowFault.unusable("an answer to choose from is by the "
                    + (answer.role() == Role.USER ? "user" : "system or a tool") + ", not by the assistant");
        }
    }
}
