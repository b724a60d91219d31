package dev.lingyu.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.dataset.BadRows;
import dev.lingyu.dataset.Conversation;
import dev.lingyu.dataset.DatasetSpec;
import dev.lingyu.dataset.Datasets;
import dev.lingyu.dataset.Example;
import dev.lingyu.dataset.ExampleStream;
import dev.lingyu.dataset.TextExample;
import dev.lingyu.model.ChatEncoder;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.Stream;

/// From the files of a config to tokenized rows, on all processors, in the order of the examples: how many
/// processors there are changes nothing in the rows. At no time is more than a few hundred examples in memory.
final class RowPipeline {
    private static final int AT_ONCE = 64;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final TrainConfig config;
    private final ChatEncoder encoder;
    private final Progress progress;

    /// Hears how far it is.
    interface Progress {
        Progress NONE = (examples, rows) -> {};

        void tokenized(long examples, long rows);
    }

    RowPipeline(TrainConfig config, ChatEncoder encoder, Progress progress) {
        this.config = config;
        this.encoder = config.data()
                .thinking()
                .map(on -> encoder.with("enable_thinking", on))
                .orElse(encoder);
        this.progress = progress;
    }

    static DatasetSpec spec(TrainConfig config, List<String> datasets) {
        TrainConfig.Data data = config.data();
        DatasetSpec spec = DatasetSpec.of(datasets).withFolder(data.folder());
        if (datasets.size() > 1 && datasets.equals(data.datasets())) {
            spec = spec.withMix(data.mixing());
        }
        if (data.maxSamples().isPresent()) {
            spec = spec.withMaxSamples(data.maxSamples().get());
        }
        if (data.skipBadRows()) {
            spec = spec.withBadRows(BadRows.SKIP).withQuarantine(config.output().directory());
        }
        return spec;
    }

    /// Takes finished rows.
    private interface Sink<T> {
        void take(List<T> made) throws IOException;
    }

    /// Writes the rows of some datasets.
    ///
    /// @return what is to be known of them: cuts and notices
    ObjectNode write(List<String> datasets, RowFileWriter writer) throws IOException {
        return switch (config.stage()) {
            case PT -> writeTexts(datasets, writer);
            case SFT -> writeConversations(datasets, writer);
        };
    }

    private ObjectNode writeTexts(List<String> datasets, RowFileWriter writer) throws IOException {
        TextBlocks blocks = new TextBlocks(
                encoder.tokenizer(), config.data().cutoff(), config.data().packing());
        List<String> notices = each(
                datasets,
                TextExample.class,
                text -> blocks.tokens(text.text()),
                (List<int[]> texts) -> {
                    for (int[] tokens : texts) {
                        for (TrainingRow row : blocks.add(tokens)) {
                            writer.add(row);
                        }
                    }
                },
                writer);
        Optional<TrainingRow> last = blocks.finish();
        if (last.isPresent()) {
            writer.add(last.get());
        }
        return facts(RowCuts.NONE, notices);
    }

    private ObjectNode writeConversations(List<String> datasets, RowFileWriter writer) throws IOException {
        ChatRows rows = new ChatRows(encoder, config.data().rows());
        Conversations sink = new Conversations(writer);
        List<String> notices = each(datasets, Conversation.class, rows::conversation, sink, writer);
        sink.pack();
        return facts(sink.cuts, notices);
    }

    /// Conversations to the file, packed where the config says so.
    private final class Conversations implements Sink<ChatRows.Made<TrainingRow>> {
        private final RowFileWriter writer;
        private final List<TrainingRow> window = new ArrayList<>();
        private int inWindow;
        private RowCuts cuts = RowCuts.NONE;

        Conversations(RowFileWriter writer) {
            this.writer = writer;
        }

        @Override
        public void take(List<ChatRows.Made<TrainingRow>> made) throws IOException {
            for (ChatRows.Made<TrainingRow> one : made) {
                cuts = cuts.plus(one.cuts());
                if (!config.data().packing()) {
                    if (one.row().isPresent()) {
                        writer.add(one.row().get());
                    }
                    continue;
                }
                one.row().ifPresent(window::add);
                if (++inWindow == Knapsack.WINDOW) {
                    pack();
                }
            }
        }

        void pack() throws IOException {
            for (TrainingRow row : Knapsack.pack(window, config.data().cutoff())) {
                writer.add(row);
            }
            window.clear();
            inWindow = 0;
        }
    }

    /// Every example through a function, in parallel, and the results to a sink in the examples' order.
    private <E extends Example, T> List<String> each(
            List<String> datasets, Class<E> shape, Function<E, T> make, Sink<T> sink, RowFileWriter writer)
            throws IOException {
        int threads = Runtime.getRuntime().availableProcessors();
        ArrayDeque<Future<List<T>>> waiting = new ArrayDeque<>();
        long examples = 0;
        try (ExecutorService pool = Executors.newFixedThreadPool(threads);
                ExampleStream<E> stream = Datasets.open(spec(config, datasets), shape)) {
            while (stream.hasNext()) {
                List<E> batch = new ArrayList<>();
                while (batch.size() < AT_ONCE && stream.hasNext()) {
                    batch.add(stream.next().example());
                }
                examples += batch.size();
                waiting.add(pool.submit(() -> batch.stream().map(make).toList()));
                if (waiting.size() > 2 * threads) {
                    sink.take(finished(waiting));
                    progress.tokenized(examples, writer.rows());
                }
            }
            while (!waiting.isEmpty()) {
                sink.take(finished(waiting));
            }
            progress.tokenized(examples, writer.rows());
            return stream.reports().stream()
                    .flatMap(report -> Stream.concat(Stream.of(report.sentence()), report.notices().stream()))
                    .toList();
        }
    }

    private static <T> List<T> finished(ArrayDeque<Future<List<T>>> waiting) {
        try {
            return waiting.remove().get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException own) {
                throw own;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TrainException(TrainException.Kind.FAILURE, "Interrupted while tokenizing.", e);
        }
    }

    private static ObjectNode facts(RowCuts cuts, List<String> notices) {
        ObjectNode facts = JSON.createObjectNode();
        facts.set("cuts", JSON.valueToTree(cuts));
        ArrayNode list = facts.putArray("notices");
        notices.forEach(list::add);
        return facts;
    }
}
