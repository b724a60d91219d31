package dev.lingyu.cli;

import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.model.LanguageModel;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `lingyu chat`: a conversation on the terminal, one question a line, answers as they come.
///
/// `/reset` forgets what was said, `/exit` or the end of input leaves, Ctrl-C stops an answer (and, between
/// answers, the program). From a pipe, each line of standard input is a question and standard output holds
/// the answers alone.
@Command(
        name = "chat",
        description = "Talks with a model on the terminal: one question a line; /reset forgets, /exit leaves.")
final class ChatCommand implements Callable<Integer> {
    /// Lively, but to the point; --decoder greedy or --temperature change it.
    private static final SamplingParams DEFAULTS =
            SamplingParams.builder().temperature(0.7).topP(0.9).build();

    @Spec
    private @Nullable CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private SamplingOptions sampling = new SamplingOptions();

    @Option(names = "--system", paramLabel = "TEXT", description = "What the model is told before the conversation.")
    private @Nullable String system;

    @Override
    public Integer call() throws IOException {
        SamplingParams params = sampling.params(DEFAULTS, 1);
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        PrintWriter err = Objects.requireNonNull(spec).commandLine().getErr();
        boolean watched = Terminal.showsOutput();
        try (LanguageModel opened = model.open();
                Engine engine = Engine.start(opened, sampling.engine(EngineOptions.defaults()))) {
            ChatSession session = new ChatSession(engine, params, Optional.ofNullable(system));
            if (opened.chatTemplate().isEmpty()) {
                err.println("This model has no chat template; it is asked with " + session.templateName() + ".");
            }
            if (watched) {
                out.println("One question a line; /reset forgets what was said, /exit leaves, Ctrl-C stops an answer.");
            }
            // Whatever the locale says, text is UTF-8. Not closed: standard input is not ours.
            talk(
                    session,
                    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)),
                    out,
                    err,
                    watched);
        }
        return 0;
    }

    private static void talk(ChatSession session, BufferedReader in, PrintWriter out, PrintWriter err, boolean watched)
            throws IOException {
        try (Interrupts interrupts = Interrupts.listen(session::stop)) {
            while (true) {
                if (watched) {
                    out.print("> ");
                    out.flush();
                }
                String line = in.readLine();
                String said = line == null ? "/exit" : line.strip();
                switch (said) {
                    case "/exit" -> {
                        return;
                    }
                    case "/reset" -> {
                        session.reset();
                        err.println("Forgotten.");
                    }
                    case "" -> {}
                    default -> {
                        session.ask(said, new PrintingListener(out), err::println);
                        out.println();
                        out.flush();
                    }
                }
            }
        }
    }
}
