package dev.lingyu.serve;

import dev.lingyu.engine.EngineException;
import dev.lingyu.engine.FinishReason;
import dev.lingyu.engine.Generation;
import dev.lingyu.engine.GenerationListener;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.GenerationResult;
import dev.lingyu.engine.TokenChoice;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;

/// One HTTP request at work on the engine: its prompts, their choices, and the pieces that come back.
///
/// Choice number = number of the prompt × n + number within the prompt. Closing it cancels what still runs.
final class Answering implements AutoCloseable {
    private final int perPrompt;
    private final List<Generation> generations = new ArrayList<>();
    private final LinkedBlockingQueue<Piece> pieces = new LinkedBlockingQueue<>();

    /// What a stream hands over.
    sealed interface Piece {
        /// Text of a choice that became certain, with the tokens since its last piece.
        record Text(int choice, String text, List<TokenChoice> tokens) implements Piece {}

        /// A choice ended.
        record End(int choice, FinishReason reason) implements Piece {}

        /// A prompt is done with; `error` only when the engine failed.
        record Done(java.util.Optional<Throwable> error) implements Piece {}
    }

    private Answering(int perPrompt) {
        this.perPrompt = perPrompt;
    }

    /// Queues all prompts of a request, or none. They are cancelled when the client hangs up.
    ///
    /// @param perPrompt n
    /// @throws EngineException when the engine refuses one
    static Answering start(ServedModel model, List<GenerationRequest> requests, int perPrompt) {
        Answering answering = new Answering(perPrompt);
        try {
            for (int i = 0; i < requests.size(); i++) {
                Generation generation = model.engine().submit(requests.get(i), answering.new Feed(i * perPrompt));
                answering.generations.add(generation);
            }
        } catch (RuntimeException e) {
            answering.close();
            throw e;
        }
        for (Generation generation : answering.generations) {
            var unused = generation
                    .future()
                    .whenComplete((result, error) ->
                            answering.pieces.add(new Piece.Done(java.util.Optional.ofNullable(error))));
        }
        ClientConnection.whenCurrentClientLeaves(answering::close);
        return answering;
    }

    private final class Feed implements GenerationListener {
        private final int firstChoice;

        private Feed(int firstChoice) {
            this.firstChoice = firstChoice;
        }

        @Override
        public void onText(int choice, String text, List<TokenChoice> tokens) {
            pieces.add(new Piece.Text(firstChoice + choice, text, tokens));
        }

        @Override
        public void onFinish(int choice, FinishReason reason) {
            pieces.add(new Piece.End(firstChoice + choice, reason));
        }
    }

    /// Hands every piece to `to` as it comes, until all prompts are done.
    ///
    /// @throws EngineException when the engine failed on one
    void forEachPiece(PieceConsumer to) {
        int open = generations.size();
        while (open > 0) {
            Piece piece = take();
            if (piece instanceof Piece.Done done) {
                open--;
                if (done.error().isPresent()) {
                    throw done.error().get() instanceof EngineException e
                            ? e
                            : new EngineException(
                                    EngineException.Kind.FAILED,
                                    "Generation failed.",
                                    done.error().get());
                }
            } else {
                to.accept(piece);
            }
        }
    }

    /// Takes a piece, and may fail to write it.
    interface PieceConsumer {
        void accept(Piece piece);
    }

    private Piece take() {
        try {
            return pieces.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EngineException(EngineException.Kind.FAILED, "The server is shutting down.", e);
        }
    }

    /// Waits for all prompts.
    ///
    /// @throws EngineException when the engine failed on one
    List<GenerationResult> await() {
        return generations.stream().map(Generation::await).toList();
    }

    int choices() {
        return generations.size() * perPrompt;
    }

    @Override
    public void close() {
        generations.forEach(Generation::cancel);
    }
}
