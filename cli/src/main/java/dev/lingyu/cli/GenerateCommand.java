package dev.lingyu.cli;

import dev.lingyu.cli.rows.JsonRow;
import dev.lingyu.cli.rows.PromptReader;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.GenerationResult;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.model.ChatMessage;
import dev.lingyu.model.LanguageModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// `lingyu generate`: continues one text on the terminal, or all rows of a file.
///
/// `--prompt` is plain text to continue; `--message` (with `--system`) is what a user says, put through the
/// model's chat template. Only the new text is printed, as it comes.
///
/// `--input` takes rows `{"messages":[…]}`, `{"text":"…"}` or `{"input_ids":[…]}` and writes rows
/// `{"prompt_ids":[…],"new_ids":[…],"text":"…"}` in their order; with `--n` above 1, n rows for each. An end
/// token that stopped an answer is the last of `new_ids`; `text` is without special tokens and without the
/// stop text.
@Command(name = "generate", description = "Continues a text, answers a message, or does so for every row of a file.")
final class GenerateCommand implements Callable<Integer> {
    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private SamplingOptions sampling = new SamplingOptions();

    @Option(names = "--prompt", paramLabel = "TEXT", description = "Plain text to continue.")
    private @Nullable String prompt;

    @Option(
            names = "--message",
            paramLabel = "TEXT",
            description = "What a user says, put through the model's chat template.")
    private @Nullable String message;

    @Option(names = "--system", paramLabel = "TEXT", description = "The system prompt that goes before --message.")
    private @Nullable String system;

    @Option(
            names = "--input",
            paramLabel = "F.jsonl",
            description = "Rows {\"messages\":[…]}, {\"text\":\"…\"} or {\"input_ids\":[…]}.")
    private @Nullable Path input;

    @Option(
            names = "--output",
            paramLabel = "F.jsonl",
            description = "Where the rows {\"prompt_ids\":[…],\"new_ids\":[…],\"text\":\"…\"} go.")
    private @Nullable Path output;

    @Option(names = "--n", paramLabel = "N", defaultValue = "1", description = "Answers to each prompt (default: 1).")
    private int answers;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "16",
            description = "Rows that are decoded together (default: ${DEFAULT-VALUE}).")
    private int batchSize;

    @Override
    public Integer call() throws IOException {
        checkWhatToContinue();
        SamplingParams params = sampling.params(SamplingParams.greedy(), answers);
        if (batchSize < 1) {
            throw new CliException("--batch-size is " + batchSize + "; expected a whole number from 1.");
        }
        if (input != null) {
            return continueFile(input, Objects.requireNonNull(output), params);
        }
        try (LanguageModel opened = model.open();
                Engine engine = Engine.start(opened, sampling.engine(EngineOptions.defaults()))) {
            print(engine, new GenerationRequest(promptIds(opened), params));
        }
        return 0;
    }

    private void checkWhatToContinue() {
        long given = Stream.of(prompt, message, input).filter(Objects::nonNull).count();
        if (given != 1) {
            throw usage("Give exactly one of --prompt TEXT, --message TEXT and --input F.jsonl");
        }
        if ((input == null) != (output == null)) {
            throw usage("--input and --output belong together");
        }
        if (system != null && message == null) {
            throw usage("--system goes with --message; a row of --input holds its own system message");
        }
    }

    private ParameterException usage(String sentence) {
        return new ParameterException(Objects.requireNonNull(spec).commandLine(), sentence);
    }

    private int[] promptIds(LanguageModel opened) {
        if (prompt != null) {
            int[] ids = opened.requireTokenizer().encodeWithSpecialTokens(prompt);
            if (ids.length == 0) {
                throw new CliException("--prompt is empty, and this model has no token that begins a text; "
                        + "give at least one character.");
            }
            return ids;
        }
        List<ChatMessage> messages = new ArrayList<>();
        if (system != null) {
            messages.add(ChatMessage.of("system", system));
        }
        messages.add(ChatMessage.of("user", Objects.requireNonNull(message)));
        return opened.chatEncoder().prompt(messages);
    }

    private void print(Engine engine, GenerationRequest request) {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        if (request.params().n() == 1) {
            engine.submit(request, new PrintingListener(out)).await();
            out.println();
            return;
        }
        GenerationResult result = engine.generate(request);
        for (int i = 0; i < result.choices().size(); i++) {
            out.println("--- " + (i + 1) + " of " + result.choices().size() + " ---");
            out.println(result.choices().get(i).text());
        }
    }

    private int continueFile(Path source, Path target, SamplingParams params) throws IOException {
        OutputRows.check(source, target);
        List<JsonRow> rows = JsonRow.readAll(source);
        EngineOptions options = new EngineOptions(
                batchSize, EngineOptions.defaults().prefillChunk(), Integer.MAX_VALUE, OptionalInt.empty());
        try (LanguageModel opened = model.open();
                Engine engine = Engine.start(opened, sampling.engine(options))) {
            PromptReader reader = new PromptReader(opened, PromptReader.PROMPTS, engine.contextLength() - 1);
            List<int[]> prompts = rows.stream().map(reader::ids).toList();
            new BatchGeneration(engine, params, 2 * batchSize).run(prompts, target);
        }
        Objects.requireNonNull(spec).commandLine().getOut().println("Wrote " + target + ".");
        return 0;
    }
}
