package dev.lingyu.engine;

import java.util.List;

/// Hears of a request's tokens as they come. Called on the engine's thread: hand over and return at once.
public interface GenerationListener {
    /// Text that became certain, with the tokens since the last call.
    ///
    /// @param choice which of the request's n sequences
    /// @param text   may be empty while a character is incomplete or a stop string may be beginning
    /// @param tokens in order
    void onText(int choice, String text, List<TokenChoice> tokens);

    /// A sequence ended.
    void onFinish(int choice, FinishReason reason);

    /// A listener that ignores everything.
    static GenerationListener none() {
        return new GenerationListener() {
            @Override
            public void onText(int choice, String text, List<TokenChoice> tokens) {}

            @Override
            public void onFinish(int choice, FinishReason reason) {}
        };
    }
}
