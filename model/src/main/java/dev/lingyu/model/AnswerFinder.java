package dev.lingyu.model;

import dev.lingyu.model.jinja.Template;
import dev.lingyu.model.jinja.Template.Span;
import dev.lingyu.model.jinja.TemplateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Finds where in a rendered conversation the assistant's answers stand; see [ChatTemplate#renderForTraining].
final class AnswerFinder {
    /// Two stand-ins for an answer that share no character; private use, so no conversation has them.
    private static final List<String> STAND_INS = List.of("\uE0F0\uE0F1", "\uE0F2\uE0F3");

    private final ChatTemplate template;
    private final List<ChatMessage> messages;
    private final Map<String, ?> variables;

    AnswerFinder(ChatTemplate template, List<ChatMessage> messages, Map<String, ?> variables) {
        this.template = template;
        this.messages = messages;
        this.variables = variables;
    }

    RenderedChat find() {
        Template.Rendering rendering = template.rendering(messages, false, variables);
        if (!rendering.generations().isEmpty()) {
            return new RenderedChat(rendering.text(), rendering.generations(), template.cuts(rendering));
        }
        refuseOpenEnds();
        List<Span> answers = new ArrayList<>();
        int from = 0;
        for (int i = 0; i < messages.size(); i++) {
            if (!messages.get(i).role().equals("assistant")) {
                continue;
            }
            int turn = i;
            Span answer = byPrefixes(turn, rendering.text()).orElseGet(() -> byStandIns(turn, rendering.text()));
            if (answer.start() < from || answer.end() < answer.start()) {
                throw unclear(i, "its place overlaps with that of an earlier answer");
            }
            from = answer.end();
            answers.add(answer);
        }
        return new RenderedChat(rendering.text(), answers, template.cuts(rendering));
    }

    /// Some templates end every conversation with a generation prompt, asked for or not: what closes the
    /// last answer can't be told from what opens the next.
    private void refuseOpenEnds() {
        for (int i = 0; i < messages.size(); i++) {
            if (messages.get(i).role().equals("assistant")) {
                String standIn = STAND_INS.getFirst();
                List<ChatMessage> probe = new ArrayList<>(messages.subList(0, i));
                probe.add(ChatMessage.of("assistant", standIn));
                String ended = behind(standIn, probe, i);
                probe.add(ChatMessage.of("user", STAND_INS.getLast()));
                if (!behind(standIn, probe, i).startsWith(ended)) {
                    throw unclear(i, "the template opens a new turn behind every conversation");
                }
                return;
            }
        }
    }

    private String behind(String standIn, List<ChatMessage> probe, int turn) {
        String text = render(probe, turn);
        int at = text.lastIndexOf(standIn);
        if (at < 0) {
            throw unclear(turn, "the template does not print its content");
        }
        return text.substring(at + standIn.length());
    }

    /// The answer between prompt and prompt with answer, when both are prefixes of the whole.
    private Optional<Span> byPrefixes(int turn, String whole) {
        try {
            String prompt = template.render(messages.subList(0, turn), true, variables);
            String answered = template.render(messages.subList(0, turn + 1), false, variables);
            return answered.startsWith(prompt) && whole.startsWith(answered)
                    ? Optional.of(new Span(prompt.length(), endOfTurn(answered, prompt.length())))
                    : Optional.empty();
        } catch (TemplateException e) {
            // Some templates refuse a conversation that stops early; the whole one did render.
            return Optional.empty();
        }
    }

    /// The end of the last eos token when nothing but white space follows it, else the end of the text.
    private int endOfTurn(String text, int start) {
        if (variables.get("eos_token") instanceof String eos && !eos.isEmpty()) {
            int last = text.lastIndexOf(eos);
            if (last >= start && text.substring(last + eos.length()).isBlank()) {
                return last + eos.length();
            }
        }
        return text.length();
    }

    private Span byStandIns(int turn, String whole) {
        int start = whole.length();
        int tail = whole.length();
        for (String standIn : STAND_INS) {
            String other = render(turn, standIn);
            start = Math.min(start, commonPrefix(whole, other));
            tail = Math.min(tail, commonSuffix(whole, other));
            int at = other.indexOf(standIn);
            if (at < 0) {
                throw unclear(turn, "the template does not print its content");
            }
            start = Math.min(start, at);
            tail = Math.min(tail, other.length() - at - standIn.length());
        }
        int end = Math.max(start, whole.length() - tail);
        String closing = closing(turn);
        return new Span(start, whole.startsWith(closing, end) ? end + closing.length() : end);
    }

    /// What closes the turn, from a conversation that ends with it.
    private String closing(int turn) {
        String standIn = STAND_INS.getFirst();
        List<ChatMessage> probe = new ArrayList<>(messages.subList(0, turn));
        probe.add(ChatMessage.of("assistant", standIn));
        String closing = behind(standIn, probe, turn);
        return closing.substring(0, endOfTurn(closing, 0));
    }

    private String render(int turn, String standIn) {
        List<ChatMessage> changed = new ArrayList<>(messages);
        changed.set(turn, ChatMessage.of("assistant", standIn));
        return render(changed, turn);
    }

    private String render(List<ChatMessage> changed, int turn) {
        try {
            return template.render(changed, false, variables);
        } catch (TemplateException e) {
            throw unclear(turn, "a probe of the template failed: " + e.reason());
        }
    }

    private ModelException unclear(int turn, String why) {
        return new ModelException("chat template " + template.name() + ": can't tell where in the text the answer"
                + " of message " + (turn + 1) + " stands, because " + why
                + "; put {% generation %} and {% endgeneration %} around the answers in the template");
    }

    private static int commonPrefix(String a, String b) {
        int length = 0;
        while (length < Math.min(a.length(), b.length()) && a.charAt(length) == b.charAt(length)) {
            length++;
        }
        return length;
    }

    private static int commonSuffix(String a, String b) {
        int length = 0;
        while (length < Math.min(a.length(), b.length())
                && a.charAt(a.length() - 1 - length) == b.charAt(b.length() - 1 - length)) {
            length++;
        }
        return length;
    }
}
