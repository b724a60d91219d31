package dev.lingyu.dataset;

import static dev.lingyu.dataset.Reading.examples;
import static dev.lingyu.dataset.Reading.file;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Each layout by its fields alone, and what its parts become.
class LayoutsTest {
    @TempDir
    Path folder;

    private Example one(String row) throws IOException {
        return examples(file(folder, "one.jsonl", row)).getFirst();
    }

    private String told(String rows) throws IOException {
        Path path = file(folder, "one.jsonl", rows);
        return Refusals.messageOf(() -> examples(path));
    }

    private ReadReport reportOf(String rows) throws IOException {
        try (ExampleStream<Example> stream = Datasets.open(DatasetSpec.of(file(folder, "some.jsonl", rows)))) {
            stream.forEachRemaining(row -> {});
            return stream.reports().getFirst();
        }
    }

    private static Conversation asked(String question) {
        return Conversation.of(Message.user(question));
    }

    private static Conversation dialogue(String question, String answer) {
        return Conversation.of(Message.user(question), Message.assistant(answer));
    }

    @Test
    void alpacaJoinsInstructionAndInputByALineFeed() throws IOException {
        assertThat(one("{\"instruction\":\"翻译\",\"input\":\"hello\",\"output\":\"你好\"}"))
                .isEqualTo(dialogue("翻译\nhello", "你好"));
        assertThat(one("{\"instruction\":\"翻译\",\"input\":\"\",\"output\":\"你好\"}"))
                .isEqualTo(dialogue("翻译", "你好"));
        assertThat(one("{\"instruction\":\"\",\"input\":\"hello\",\"output\":\"x\"}"))
                .isEqualTo(dialogue("hello", "x"));
        assertThat(one("{\"instruction\":\"翻译\",\"input\":null,\"output\":\"你好\"}"))
                .isEqualTo(dialogue("翻译", "你好"));
    }

    @Test
    void alpacaHistoryComesBeforeTheQuestion() throws IOException {
        assertThat(one("{\"instruction\":\"c\",\"output\":\"d\",\"system\":\"s\",\"history\":[[\"a\",\"b\"]]}"))
                .isEqualTo(Conversation.of(
                                Message.user("a"), Message.assistant("b"), Message.user("c"), Message.assistant("d"))
                        .withSystem("s"));
    }

    @Test
    void shareGptKeepsTurnsToolsAndTheSystemPrompt() throws IOException {
        String row =
                "{\"system\":\"row\",\"tools\":\"[{}]\",\"conversations\":[{\"from\":\"system\",\"value\":\"first\"},"
                        + "{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"function_call\",\"value\":\"{}\"},"
                        + "{\"from\":\"observation\",\"value\":\"r\"},{\"from\":\"gpt\",\"value\":\"a\"}]}";
        Conversation turns = Conversation.of(
                Message.user("q"), Message.toolCall("{}"), Message.observation("r"), Message.assistant("a"));
        assertThat(one(row)).isEqualTo(turns.withSystem("first").withTools("[{}]"));
    }

    @Test
    void belleCallsTheModelAssistant() throws IOException {
        assertThat(one("{\"id\":\"1\",\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},"
                        + "{\"from\":\"assistant\",\"value\":\"a\"}]}"))
                .isEqualTo(dialogue("q", "a"));
    }

    @Test
    void openAiMessagesMayHoldPartsAndToolCalls() throws IOException {
        String row = "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"q\"}]},"
                + "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\","
                + "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},"
                + "{\"role\":\"tool\",\"content\":\"1\"},{\"role\":\"tool\",\"content\":\"2\"},"
                + "{\"role\":\"assistant\",\"content\":\"a\"}],\"tools\":[{\"name\":\"f\"}]}";
        assertThat(one(row))
                .isEqualTo(Conversation.of(
                                Message.user("q"),
                                Message.toolCall("[{\"name\":\"f\",\"arguments\":\"{}\"}]"),
                                Message.observation("1"),
                                Message.observation("2"),
                                Message.assistant("a"))
                        .withTools("[{\"name\":\"f\"}]"));
        assertThat(told(row.replace("\"type\":\"text\"", "\"type\":\"image_url\"")))
                .contains("field \"messages[0].content[0].type\"", "only text");
    }

    @Test
    void preferencesComeInEverySpelling() throws IOException {
        PreferencePair pair = PreferencePair.of(asked("q"), "good", "bad");
        assertThat(one("{\"instruction\":\"q\",\"chosen\":\"good\",\"rejected\":\"bad\"}"))
                .isEqualTo(pair);
        assertThat(one("{\"prompt\":\"q\",\"chosen\":\"good\",\"rejected\":\"bad\"}"))
                .isEqualTo(pair);
        assertThat(one("{\"instruction\":\"q\",\"output\":[\"good\",\"bad\",\"worse\"]}"))
                .isEqualTo(pair);
        String turns = "\"conversations\":[{\"from\":\"human\",\"value\":\"q\"}]";
        assertThat(one("{" + turns + ",\"chosen\":{\"from\":\"gpt\",\"value\":\"good\"},"
                        + "\"rejected\":{\"from\":\"gpt\",\"value\":\"bad\"}}"))
                .isEqualTo(pair);
        assertThat(one("{" + turns + ",\"chosen\":\"good\",\"rejected\":\"bad\"}"))
                .isEqualTo(pair);
        assertThat(one("{\"prompt\":[{\"role\":\"user\",\"content\":\"q\"}],"
                        + "\"chosen\":[{\"role\":\"assistant\",\"content\":\"good\"}],"
                        + "\"rejected\":[{\"role\":\"assistant\",\"content\":\"bad\"}]}"))
                .isEqualTo(pair);
        assertThat(one("{\"chosen\":\"\\n\\nHuman: q\\n\\nAssistant: good\","
                        + "\"rejected\":\"\\n\\nHuman: q\\n\\nAssistant: bad\"}"))
                .isEqualTo(pair);
        assertThat(one(
                        "{\"chosen\":[{\"role\":\"user\",\"content\":\"q\"},{\"role\":\"assistant\",\"content\":\"good\"}],"
                                + "\"rejected\":[{\"role\":\"user\",\"content\":\"q\"},"
                                + "{\"role\":\"assistant\",\"content\":\"bad\"}]}"))
                .isEqualTo(pair);
    }

    @Test
    void dialoguesThatPartBeforeTheLastAnswerAreNoPair() throws IOException {
        ReadReport report = reportOf("{\"chosen\":\"\\n\\nHuman: q\\n\\nAssistant: good\","
                + "\"rejected\":\"\\n\\nHuman: q\\n\\nAssistant: bad\"}\n"
                + "{\"chosen\":\"\\n\\nHuman: q\\n\\nAssistant: good\","
                + "\"rejected\":\"\\n\\nHuman: other\\n\\nAssistant: bad\"}\n");
        assertThat(report.unusable()).isEqualTo(1);
        assertThat(report.sentence()).contains("1 examples from 2 rows", "row 2", "share no prompt");
    }

    @Test
    void aVerdictMakesALabelledAnswer() throws IOException {
        assertThat(one("{\"instruction\":\"q\",\"output\":\"a\",\"kto_tag\":true}"))
                .isEqualTo(new LabelledExample(dialogue("q", "a"), true));
        assertThat(one("{\"prompt\":\"q\",\"completion\":\"a\",\"label\":false}"))
                .isEqualTo(new LabelledExample(dialogue("q", "a"), false));
        assertThat(one("{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},"
                        + "{\"role\":\"assistant\",\"content\":\"a\"}],\"label\":true}"))
                .isEqualTo(new LabelledExample(dialogue("q", "a"), true));
    }

    @Test
    void questionAndAnswerFieldsArePairs() throws IOException {
        assertThat(one("{\"input\":\"q\",\"output\":\"a\"}")).isEqualTo(dialogue("q", "a"));
        assertThat(one("{\"prompt\":\"q\",\"completion\":\"a\"}")).isEqualTo(dialogue("q", "a"));
        assertThat(one("{\"question\":\"q\",\"answer\":\"a\",\"id\":7}")).isEqualTo(dialogue("q", "a"));
    }

    @Test
    void textAndPromptsServeAsEachOtherWhereAStageWantsIt() throws IOException {
        assertThat(one("{\"text\":\"文\"}")).isEqualTo(TextExample.of("文"));
        assertThat(one("{\"prompt\":\"q\"}")).isEqualTo(PromptExample.of("q"));
        DatasetSpec text = DatasetSpec.of(file(folder, "text.jsonl", "{\"text\":\"q\"}"));
        DatasetSpec prompt = DatasetSpec.of(file(folder, "prompt.jsonl", "{\"prompt\":\"q\"}"));
        assertThat(examples(text, PromptExample.class)).containsExactly(PromptExample.of("q"));
        assertThat(examples(prompt, TextExample.class)).containsExactly(TextExample.of("q"));
    }

    @Test
    void aPromptIsADialogueWithoutItsLastAnswer() throws IOException {
        DatasetSpec spec = DatasetSpec.of(file(
                folder,
                "a.jsonl",
                "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"a\"}]}\n"
                        + "{\"conversations\":[{\"from\":\"human\",\"value\":\"r\"}]}"));
        assertThat(examples(spec, PromptExample.class)).containsExactly(PromptExample.of("q"), PromptExample.of("r"));
    }

    @Test
    void turnsThatDoNotAlternateAreLeftOutUnderEitherPolicyAsInLlamaFactory() throws IOException {
        String good = "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"gpt\",\"value\":\"a\"}]}\n";
        String noAnswer = "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"}]}\n";
        String twice =
                "{\"conversations\":[{\"from\":\"human\",\"value\":\"q\"},{\"from\":\"human\",\"value\":\"a\"}]}\n";
        String stranger = "{\"conversations\":[{\"from\":\"martian\",\"value\":\"q\"}]}\n";
        ReadReport report = reportOf(good + noAnswer + twice + stranger + "{\"conversations\":[]}\n");

        assertThat(report.examples()).isEqualTo(1);
        assertThat(report.unusable()).isEqualTo(4);
        assertThat(report.skipped()).isZero();
        assertThat(report.left().stream().map(BadRow::reason))
                .containsExactly(
                        "the conversation ends without an answer",
                        "turn 2 is the user's, where it is the assistant's turn",
                        "nobody called \"martian\" is known in conversations[0].from; known are assistant, bot, chatgpt,"
                                + " function_call, gpt, human, observation, system, tool, tool_call, user",
                        "the conversation has no turns");
    }

    @Test
    void theLayoutIsToldInWords() throws IOException {
        assertThat(reportOf("{\"input\":\"q\",\"output\":\"a\"}").notices())
                .containsExactly(
                        folder.resolve("some.jsonl") + ": read as pairs of input and output, judged by its first row");
    }

    @Test
    void aShapeThatTheStageCantUseIsRefused() throws IOException {
        DatasetSpec spec = DatasetSpec.of(file(folder, "sft.jsonl", "{\"input\":\"q\",\"output\":\"a\"}"));
        assertThat(Refusals.messageOf(() -> examples(spec, PreferencePair.class)))
                .contains("sft.jsonl, row 1", "expected preference pairs, found conversations");
    }

    @Test
    void unknownFieldsAreRefusedWithWhatIsKnown() throws IOException {
        assertThat(told("{\"frage\":\"q\",\"antwort\":\"a\"}"))
                .contains("row 1", "the fields frage, antwort", "instruction/input/output", "dataset_info.json");
    }

    @Test
    void halfACharacterIsNoText() throws IOException {
        assertThat(told("{\"text\":\"a\\ud83d\"}")).contains("field \"text\"", "half of one (\\ud83d) at position 2");
        assertThat(one("{\"text\":\"\\ud83d\\ude00\"}")).isEqualTo(TextExample.of("😀"));
    }

    @Test
    void recordsCopyWhatTheyAreGiven() {
        List<Message> turns = new ArrayList<>(List.of(Message.user("q")));
        Conversation conversation = new Conversation(Optional.empty(), turns, Optional.empty());
        turns.add(Message.assistant("a"));
        assertThat(conversation.messages()).containsExactly(Message.user("q"));
        assertThat(conversation.plus(Message.assistant("a")).withoutAnswer()).isEqualTo(conversation);
    }
}
