package dev.lingyu.model;

import dev.lingyu.model.jinja.Template;
import dev.lingyu.model.jinja.Template.Span;
import dev.lingyu.model.tokenizer.Encoding;
import dev.lingyu.model.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/// Conversations to token ids, the same way for training and for serving.
///
/// What the model reads before it answers must be what it read in training: the ids of a generation prompt
/// are always a prefix of the ids of prompt + answer. Byte-level BPE breaks that when a token would straddle
/// the place where an answer begins (BLOOM glues the prompt's last space to the answer's first word); such a
/// token is split there, in both uses. Which tokens are trained on follows from their offsets in that one
/// tokenization. A special token that somebody typed is read letter by letter: only the template writes markers.
public final class ChatEncoder {
    private final Tokenizer tokenizer;
    private final ChatTemplate template;
    private final Map<String, ?> variables;
    private final TypedMarkers markers;

    /// @param variables what the template reads besides the messages: `bos_token`, `eos_token`, `tools` …
    public ChatEncoder(Tokenizer tokenizer, ChatTemplate template, Map<String, ?> variables) {
        this(tokenizer, template, variables, new TypedMarkers(tokenizer));
    }

    /// An encoder whose template knows the tokenizer's own special tokens.
    public static ChatEncoder of(Tokenizer tokenizer, ChatTemplate template) {
        Map<String, Object> variables = new LinkedHashMap<>();
        tokenizer
                .bosTokenId()
                .ifPresent(id -> tokenizer.token(id).ifPresent(token -> variables.put("bos_token", token)));
        tokenizer
                .eosTokenId()
                .ifPresent(id -> tokenizer.token(id).ifPresent(token -> variables.put("eos_token", token)));
        return new ChatEncoder(tokenizer, template, variables);
    }

    private ChatEncoder(Tokenizer tokenizer, ChatTemplate template, Map<String, ?> variables, TypedMarkers markers) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.variables = Map.copyOf(variables);
        this.markers = markers;
    }

    /// The template in use.
    public ChatTemplate template() {
        return template;
    }

    /// The tokenizer in use.
    public Tokenizer tokenizer() {
        return tokenizer;
    }

    /// The same encoder with another variable for the template: `tools`, `enable_thinking` …
    public ChatEncoder with(String variable, Object value) {
        Map<String, Object> all = new LinkedHashMap<>(variables);
        all.put(variable, value);
        return new ChatEncoder(tokenizer, template, all, markers);
    }

    /// A conversation as ids.
    ///
    /// @param ids     [tokens]
    /// @param answers for each token which answer it belongs to, counted from 0, or −1 where the assistant did
    ///                not write it [tokens]
    /// @param text    the rendered conversation
    public record EncodedChat(int[] ids, int[] answers, String text) {
        /// Whether the assistant wrote that token [tokens].
        public boolean[] answer() {
            boolean[] answer = new boolean[answers.length];
            for (int i = 0; i < answer.length; i++) {
                answer[i] = answers[i] >= 0;
            }
            return answer;
        }
    }

    /// The text that the model is asked to continue.
    public String render(List<ChatMessage> messages) {
        return template.render(messages, true, variables);
    }

    /// What the model is asked to continue, as ids.
    public int[] prompt(List<ChatMessage> messages) {
        TypedMarkers.Guarded talk = markers.guard(messages, variables);
        Template.Rendering rendering = template.rendering(talk.messages(), true, talk.variables());
        List<Span> answers = template.inPieces() ? List.of() : earlierAnswers(talk, rendering.text());
        return encode(talk, new RenderedChat(rendering.text(), answers, template.cuts(rendering)))
                .ids();
    }

    /// A conversation to learn from, as ids with the assistant's tokens marked.
    ///
    /// @throws ModelException when the template hides where the answers are
    public EncodedChat training(List<ChatMessage> messages) {
        TypedMarkers.Guarded talk = markers.guard(messages, variables);
        return encode(talk, template.renderForTraining(talk.messages(), talk.variables()));
    }

    /// Answers within a prompt are tokenized as they were when they were learned.
    private List<Span> earlierAnswers(TypedMarkers.Guarded talk, String text) {
        if (talk.messages().stream().noneMatch(m -> m.role().equals("assistant"))) {
            return List.of();
        }
        RenderedChat rendered;
        try {
            rendered = template.renderForTraining(talk.messages(), talk.variables());
        } catch (ModelException e) {
            return List.of();
        }
        return rendered.answers().stream()
                .filter(span -> span.end() <= text.length() && text.regionMatches(0, rendered.text(), 0, span.end()))
                .toList();
    }

    private EncodedChat encode(TypedMarkers.Guarded talk, RenderedChat rendered) {
        TypedMarkers.Restored text = markers.restore(rendered.text(), talk.base());
        int length = text.text().length();
        TreeSet<Integer> cuts = new TreeSet<>(rendered.cuts());
        cuts.remove(0);
        Encoding encoding = encodeInPieces(text, 0, length, cuts);
        for (Span answer : rendered.answers()) {
            // Cutting changes what comes behind, so each boundary is looked at in the newest tokenization.
            if (answer.start() > 0
                    && answer.start() < length
                    && !cuts.contains(answer.start())
                    && !isClean(text, encoding, cuts, answer.start())) {
                cuts.add(answer.start());
                encoding = encodeInPieces(text, 0, length, cuts);
            }
        }
        return new EncodedChat(encoding.ids(), answers(encoding, rendered.answers()), text.text());
    }

    private static int[] answers(Encoding encoding, List<Span> spans) {
        int[] answers = new int[encoding.ids().length];
        int answer = 0;
        for (int i = 0; i < answers.length; i++) {
            int start = encoding.starts()[i];
            while (answer < spans.size() && spans.get(answer).end() <= start) {
                answer++;
            }
            boolean inside = answer < spans.size() && spans.get(answer).start() <= start;
            answers[i] = inside ? answer : -1;
        }
        return answers;
    }

    /// Whether the ids before a place are those of the text before it alone. Tokens never reach over a special
    /// token, so only what stands since the last one is looked at.
    private boolean isClean(TypedMarkers.Restored text, Encoding encoding, TreeSet<Integer> cuts, int place) {
        int before = 0;
        int since = 0;
        while (before < encoding.ids().length && encoding.starts()[before] < place) {
            if (encoding.ends()[before] > place) {
                return false;
            }
            if (tokenizer.isSpecial(encoding.ids()[before])) {
                since = before;
            }
            before++;
        }
        int from = since == 0 ? 0 : encoding.starts()[since];
        int[] alone = encodeInPieces(text, from, place, cuts).ids();
        return Arrays.equals(alone, 0, alone.length, encoding.ids(), since, before);
    }

    private Encoding encodeInPieces(TypedMarkers.Restored text, int begin, int end, TreeSet<Integer> cuts) {
        List<Integer> bounds = new ArrayList<>(cuts.subSet(begin, false, end, false));
        bounds.add(end);
        Joined joined = new Joined();
        int from = begin;
        for (int to : bounds) {
            encodePiece(text, from, to, joined);
            from = to;
        }
        return joined.encoding();
    }

    private void encodePiece(TypedMarkers.Restored text, int from, int to, Joined joined) {
        int firstTyped = text.typed().nextSetBit(from);
        if (firstTyped < 0 || firstTyped >= to) {
            joined.add(tokenizer.encodeWithOffsets(text.text().substring(from, to)), from);
            return;
        }
        int at = from;
        for (int[] marker : markers.meant(text, from, to)) {
            joined.add(tokenizer.encodePlainWithOffsets(text.text().substring(at, marker[0])), at);
            joined.add(tokenizer.encodeWithOffsets(text.text().substring(marker[0], marker[1])), marker[0]);
            at = marker[1];
        }
        joined.add(tokenizer.encodePlainWithOffsets(text.text().substring(at, to)), at);
    }

    /// Encodings of neighbouring pieces, laid end to end.
    private static final class Joined {
        private int[] ids = new int[256];
        private int[] starts = new int[256];
        private int[] ends = new int[256];
        private int size;

        void add(Encoding piece, int shift) {
            int more = piece.ids().length;
            if (size + more > ids.length) {
                int capacity = Math.max(2 * ids.length, size + more);
                ids = Arrays.copyOf(ids, capacity);
                starts = Arrays.copyOf(starts, capacity);
                ends = Arrays.copyOf(ends, capacity);
            }
            System.arraycopy(piece.ids(), 0, ids, size, more);
            for (int i = 0; i < more; i++) {
                starts[size + i] = piece.starts()[i] + shift;
                ends[size + i] = piece.ends()[i] + shift;
            }
            size += more;
        }

        Encoding encoding() {
            return new Encoding(Arrays.copyOf(ids, size), Arrays.copyOf(starts, size), Arrays.copyOf(ends, size));
        }
    }
}
