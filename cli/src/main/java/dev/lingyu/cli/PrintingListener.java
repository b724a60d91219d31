package dev.lingyu.cli;

import dev.lingyu.engine.FinishReason;
import dev.lingyu.engine.GenerationListener;
import dev.lingyu.engine.TokenChoice;
import java.io.PrintWriter;
import java.util.List;

/// Prints an answer as it comes.
record PrintingListener(PrintWriter out) implements GenerationListener {
    @Override
    public void onText(int choice, String text, List<TokenChoice> tokens) {
        if (!text.isEmpty()) {
            out.print(text);
            out.flush();
        }
    }

    @Override
    public void onFinish(int choice, FinishReason reason) {}
}
