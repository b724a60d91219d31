package dev.lingyu.cli;

import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.DatasetSpec;
import dev.lingyu.dataset.Datasets;
import dev.lingyu.dataset.Example;
import dev.lingyu.dataset.ExampleStream;
import dev.lingyu.dataset.LabelledExample;
import dev.lingyu.dataset.Message;
import dev.lingyu.dataset.PreferencePair;
import dev.lingyu.dataset.PromptExample;
import dev.lingyu.dataset.TextExample;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/// All texts of datasets of any layout: plain ones whole, conversations message by message.
final class CorpusTexts {
    private final Consumer<String> to;
    private long texts;

    private CorpusTexts(Consumer<String> to) {
        this.to = to;
    }

    /// Hands every text on.
    ///
    /// @param files plain text, JSON or JSON Lines, packed or not, or folders of them
    /// @return how many texts there were
    /// @throws dev.lingyu.dataset.DatasetException when a file is missing or not what it should be
    static long read(List<Path> files, Consumer<String> to) {
        CorpusTexts texts = new CorpusTexts(to);
        DatasetSpec spec = DatasetSpec.of(files.stream().map(Path::toString).toList());
        try (ExampleStream<Example> rows = Datasets.open(spec)) {
            rows.forEachRemaining(row -> texts.add(row.example()));
        }
        if (texts.texts == 0) {
            throw new CliException("--corpus holds no text: " + files + ".");
        }
        return texts.texts;
    }

    private void add(Example example) {
        switch (example) {
            case TextExample text -> add(text.text());
            case Conversation talk -> add(talk);
            case PreferencePair pair -> {
                add(pair.prompt());
                add(pair.chosen().content());
                add(pair.rejected().content());
            }
            case PromptExample prompt -> add(prompt.prompt());
            case LabelledExample labelled -> add(labelled.conversation());
        }
    }

    private void add(Conversation talk) {
        talk.system().ifPresent(this::add);
        for (Message message : talk.messages()) {
            add(message.content());
        }
    }

    private void add(String text) {
        texts++;
        to.accept(text);
    }
}
