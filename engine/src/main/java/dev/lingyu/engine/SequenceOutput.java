package dev.lingyu.engine;

import dev.lingyu.model.tokenizer.StreamDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/// The growing answer of one sequence: tokens to text, stop strings, the reason it ended.
final class SequenceOutput {
    private final int index;
    private final Optional<StreamDecoder> stream;
    private final StopStrings stopStrings;
    private final GenerationListener listener;
    private final List<TokenChoice> tokens = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private Optional<FinishReason> reason = Optional.empty();
    private OptionalDouble score = OptionalDouble.empty();

    SequenceOutput(int index, Optional<StreamDecoder> stream, List<String> stop, GenerationListener listener) {
        this.index = index;
        this.stream = stream;
        this.stopStrings = new StopStrings(stop);
        this.listener = listener;
    }

    /// Takes the next token.
    ///
    /// @param end   whether it is an end token, which has no text
    /// @param limit how many tokens there may be
    void add(TokenChoice choice, boolean end, int limit) {
        tokens.add(choice);
        String piece = "";
        if (stream.isPresent() && !end) {
            piece = stopStrings.add(stream.get().add(choice.id()));
        }
        if (stopStrings.matched()) {
            // What stands before the stop text in this piece is still held.
            publish(piece + stopStrings.finish(), choice);
            finish(FinishReason.STOP);
        } else if (end || tokens.size() >= limit) {
            publish(piece + rest(), choice);
            finish(end || stopStrings.matched() ? FinishReason.STOP : FinishReason.LENGTH);
        } else {
            publish(piece, choice);
        }
    }

    /// Ends the answer where no token or stop text has: what is held is published.
    void end(FinishReason why) {
        if (!finished()) {
            String tail = rest();
            text.append(tail);
            listener.onText(index, tail, List.of());
            finish(why);
        }
    }

    /// Notes how good the answer is.
    void score(double value) {
        score = OptionalDouble.of(value);
    }

    private String rest() {
        String tail = stream.isPresent() ? stopStrings.add(stream.get().finish()) : "";
        return tail + stopStrings.finish();
    }

    private void publish(String piece, TokenChoice choice) {
        text.append(piece);
        listener.onText(index, piece, List.of(choice));
    }

    private void finish(FinishReason why) {
        reason = Optional.of(why);
        listener.onFinish(index, why);
    }

    void cancel() {
        if (!finished()) {
            finish(FinishReason.CANCELLED);
        }
    }

    boolean finished() {
        return reason.isPresent();
    }

    GenerationResult.Choice result() {
        return new GenerationResult.Choice(
                List.copyOf(tokens), text.toString(), reason.orElse(FinishReason.CANCELLED), score);
    }
}
