package dev.lingyu.model;

import dev.lingyu.model.jinja.Template.Span;
import dev.lingyu.model.tokenizer.Encoding;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// Conversations to token ids, the same way for training and for serving.
///
/// What the model reads before it answers must be what it read in training: the ids of a generation prompt
/// are always a prefix of the ids of prompt + answer. Byte-level BPE breaks that when a token would straddle
/// the place where an answer begins (BLOOM glues the prompt's last space to the answer's first word); such a
/// token is split there, in both uses. Which tokens are trained on follows from their offsets in that one
/// tokenization.
public final class ChatEncoder {
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final Map<String, ?> variables;

    /// @param variables what the template reads besides the messages: `bos_token`, `eos_token`, `tools` …
    public ChatEncoder(Tokenizer tokenizer, ChatTemplate template, Map<String, ?> variables) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.variables = Map.copyOf(variables);
    }

    /// The template in use.
    public ChatTemplate template() {
        return template;
    }

    /// A conversation as ids.
    ///
    /// @param ids    [tokens]
    /// @param answer whether the assistant wrote that token [tokens]
    /// @param text   the rendered conversation
    public record EncodedChat(int[] ids, boolean[] answer, String text) {}

    /// The text that the model is asked to continue.
    public String render(List<ChatMessage> messages) {
        return template.render(messages, true, variables);
    }

    /// What the model is asked to continue, as ids.
    public int[] prompt(List<ChatMessage> messages) {
        String text = render(messages);
        return encode(text, earlierAnswers(messages, text)).ids();
    }

    /// A conversation to learn from, as ids with the assistant's tokens marked.
    ///
    /// @throws ModelException when the template hides where the answers are
    public EncodedChat training(List<ChatMessage> messages) {
        RenderedChat rendered = template.renderForTraining(messages, variables);
        return encode(rendered.text(), rendered.answers());
    }

    /// Answers within a prompt are tokenized as they were when they were learned.
    private List<Span> earlierAnswers(List<ChatMessage> messages, String text) {
        if (messages.stream().noneMatch(m -> m.role().equals("assistant"))) {
            return List.of();
        }
        RenderedChat rendered;
        try {
            rendered = template.renderForTraining(messages, variables);
        } catch (ModelException e) {
            return List.of();
        }
        return rendered.answers().stream()
                .filter(span -> span.end() <= text.length() && text.regionMatches(0, rendered.text(), 0, span.end()))
                .toList();
    }

    private EncodedChat encode(String text, List<Span> answers) {
        TreeSet<Integer> cuts = new TreeSet<>();
        Encoding encoding = encodeInPieces(text, cuts);
        for (Span answer : answers) {
            // Cutting changes what comes behind, so each boundary is looked at in the newest tokenization.
            if (answer.start() > 0
                    && answer.start() < text.length()
                    && !isClean(text, encoding, cuts, answer.start())) {
                cuts.add(answer.start());
                encoding = encodeInPieces(text, cuts);
            }
        }
        boolean[] answer = new boolean[encoding.ids().length];
        for (int i = 0; i < answer.length; i++) {
            int start = encoding.starts()[i];
            answer[i] = answers.stream().anyMatch(span -> start >= span.start() && start < span.end());
        }
        return new EncodedChat(encoding.ids(), answer, text);
    }

    /// Whether the ids before a place are those of the text before it alone.
    private boolean isClean(String text, Encoding encoding, TreeSet<Integer> cuts, int place) {
        int before = 0;
        while (before < encoding.ids().length && encoding.starts()[before] < place) {
            if (encoding.ends()[before] > place) {
                return false;
            }
            before++;
        }
        int[] alone = encodeInPieces(text.substring(0, place), cuts).ids();
        return Arrays.equals(alone, Arrays.copyOf(encoding.ids(), before));
    }

    private Encoding encodeInPieces(String text, TreeSet<Integer> cuts) {
        if (cuts.isEmpty()) {
            return tokenizer.encodeWithOffsets(text);
        }
        List<Integer> bounds = new ArrayList<>(cuts.headSet(text.length()));
        bounds.add(text.length());
        int[] ids = new int[0];
        int[] starts = new int[0];
        int[] ends = new int[0];
        int from = 0;
        for (int to : bounds) {
            Encoding piece = tokenizer.encodeWithOffsets(text.substring(from, to));
            int shift = from;
            ids = join(ids, piece.ids());
            starts = join(
                    starts, Arrays.stream(piece.starts()).map(s -> s + shift).toArray());
            ends = join(ends, Arrays.stream(piece.ends()).map(e -> e + shift).toArray());
            from = to;
        }
        return new Encoding(ids, starts, ends);
    }

    private static int[] join(int[] a, int[] b) {
        int[] joined = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, joined, a.length, b.length);
        return joined;
    }
}
