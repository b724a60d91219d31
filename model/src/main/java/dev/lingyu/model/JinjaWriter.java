package dev.lingyu.model;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Writes a row of `built-in.json` as the Jinja template that travels with the model.
///
/// Every piece of LLaMA-Factory's becomes one printed piece, so that [ChatTemplate#inPieces] can tokenize as it
/// does. What the assistant writes stands in a `{% generation %}` block, up to and including what ends the
/// answer; a line break behind that is the template's, not the assistant's.
final class JinjaWriter {
    private static final Pattern TOKEN = Pattern.compile("\\{(bos|eos|\\+|token:([^}]*))\\}");
    private static final Pattern VALUE = Pattern.compile("\\{(content|round)\\}");
    private static final String NO_THOUGHTS = "'<think>\\n\\n</think>\\n\\n'";

    private final BuiltInTemplate row;
    private final StringBuilder out = new StringBuilder();

    private JinjaWriter(BuiltInTemplate row) {
        this.row = row;
    }

    static String write(BuiltInTemplate row) {
        JinjaWriter writer = new JinjaWriter(row);
        writer.head();
        writer.turns();
        return writer.out.toString();
    }

    private void line(String text) {
        out.append(text).append('\n');
    }

    private void head() {
        line(ChatTemplate.IN_PIECES);
        line("{%- set bos = bos_token if bos_token is defined and bos_token else '' %}");
        line("{%- set eos = eos_token if eos_token is defined and eos_token else '' %}");
        line("{%- set given = messages[0].content if messages and messages[0].role == 'system' else '' %}");
        line("{%- set system = given or " + quoted(row.defaultSystem()) + " %}");
        line("{%- set toolbox %}");
        line("{%- if tools %}" + ToolText.offer(row.tools()) + "{%- endif %}");
        line("{%- endset %}");
        line("{%- set first = namespace(lead='', rounds=0) %}");
        pieces(row.prefix(), "''", "").forEach(this::line);
        line("{%- if system or toolbox %}");
        if (row.systemInUser()) {
            line("    {%- set first.lead = " + expression(row.system(), "system + toolbox") + " %}");
        } else {
            pieces(row.system(), "system + toolbox", "    ").forEach(this::line);
        }
        line("{%- endif %}");
    }

    private void turns() {
        line("{%- for message in messages %}");
        line("    {%- set content = message.content or '' %}");
        line("    {%- set open = not loop.last or add_generation_prompt %}");
        line("    {%- if message.role == 'system' %}");
        line("        {%- if not loop.first %}");
        pieces(row.system(), "content", "            ").forEach(this::line);
        line("        {%- endif %}");
        line("    {%- elif message.role == 'user' %}");
        line("        {%- set first.rounds = first.rounds + 1 %}");
        asked(row.user());
        line("    {%- elif message.role in ['tool', 'observation', 'ipython'] %}");
        asked(row.observation());
        line("    {%- elif message.role == 'assistant' %}");
        answered();
        line("    {%- else %}");
        line("        {{- raise_exception('the template " + row.name()
                + " knows the roles system, user, assistant and tool, found ' + message.role) }}");
        line("    {%- endif %}");
        line("{%- endfor %}");
        if (row.thinking()) {
            line("{%- if add_generation_prompt and enable_thinking is defined and not enable_thinking %}");
            line("    {{- " + NO_THOUGHTS + " }}");
            line("{%- endif %}");
        }
    }

    /// A question with the opening of the answer behind it.
    private void asked(String part) {
        String content = row.systemInUser() ? "first.lead + content" : "content";
        List<String> asked = expressions(part, content);
        List<String> opening = expressions(row.opening(), "''");
        boolean joined = !asked.isEmpty() && !opening.isEmpty() && !endsPiece(part) && !beginsPiece(row.opening());
        for (int i = 0; i < asked.size(); i++) {
            boolean last = i + 1 == asked.size();
            String more = last && joined ? " + (" + opening.getFirst() + " if open else '')" : "";
            line("        {{- " + asked.get(i) + more + " }}");
        }
        if (row.systemInUser()) {
            line("        {%- set first.lead = '' %}");
        }
        List<String> rest = joined ? opening.subList(1, opening.size()) : opening;
        if (!rest.isEmpty()) {
            line("        {%- if open %}");
            rest.forEach(e -> line("            {{- " + e + " }}"));
            line("        {%- endif %}");
        }
    }

    private void answered() {
        if (row.thinking()) {
            line("        {%- if message.reasoning_content is string and message.reasoning_content %}");
            line(
                    "            {%- set content = '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' + content %}");
            line("        {%- endif %}");
            line("        {%- if enable_thinking is defined and not enable_thinking and '</think>' in content %}");
            line("            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}");
            line("        {%- endif %}");
            line("        {%- if '<think>' not in content and '</think>' not in content %}");
            line("            {{- " + NO_THOUGHTS + " }}");
            line("        {%- endif %}");
        }
        line("        {%- if message.tool_calls %}");
        line("            {%- set said %}{{- content }}" + ToolText.calls(row.tools()) + "{%- endset %}");
        said(row.calls(), "said", "            ");
        line("        {%- else %}");
        said(row.answer(), "content", "            ");
        line("        {%- endif %}");
    }

    private void said(String part, String content, String indent) {
        int end = endOfAnswer(part);
        line(indent + "{%- generation %}");
        pieces(part.substring(0, end), content, indent).forEach(this::line);
        if (row.endsWithConversation()) {
            line(indent + "{%- if loop.last and not add_generation_prompt %}{{- eos }}{%- endif %}");
        }
        line(indent + "{%- endgeneration %}");
        pieces(part.substring(end), "''", indent).forEach(this::line);
    }

    /// Behind the content and what ends it; white space alone behind the content is what ends it.
    private static int endOfAnswer(String part) {
        int content = part.indexOf("{content}") + "{content}".length();
        int end = part.length();
        while (end > content && Character.isWhitespace(part.charAt(end - 1))) {
            end--;
        }
        return end == content ? part.length() : end;
    }

    private static boolean endsPiece(String part) {
        Matcher matcher = TOKEN.matcher(part);
        int end = -1;
        while (matcher.find()) {
            end = matcher.end();
        }
        return end == part.length();
    }

    private static boolean beginsPiece(String part) {
        return TOKEN.matcher(part).lookingAt();
    }

    private static List<String> pieces(String part, String content, String indent) {
        return expressions(part, content).stream()
                .map(e -> indent + "{{- " + e + " }}")
                .toList();
    }

    private static List<String> expressions(String part, String content) {
        List<String> expressions = new ArrayList<>();
        Matcher matcher = TOKEN.matcher(part);
        int from = 0;
        while (matcher.find()) {
            addText(part.substring(from, matcher.start()), content, expressions);
            switch (matcher.group(1)) {
                case "bos", "eos" -> expressions.add(matcher.group(1));
                case "+" -> {
                    // Only ends the piece.
                }
                default -> expressions.add(quoted(matcher.group(2)));
            }
            from = matcher.end();
        }
        addText(part.substring(from), content, expressions);
        return expressions;
    }

    private static void addText(String text, String content, List<String> expressions) {
        if (!text.isEmpty()) {
            expressions.add(expression(text, content));
        }
    }

    /// A part without tokens as one expression.
    private static String expression(String text, String content) {
        List<String> terms = new ArrayList<>();
        Matcher matcher = VALUE.matcher(text);
        int from = 0;
        while (matcher.find()) {
            if (matcher.start() > from) {
                terms.add(quoted(text.substring(from, matcher.start())));
            }
            terms.add(matcher.group(1).equals("round") ? "first.rounds|string" : content);
            from = matcher.end();
        }
        if (from < text.length()) {
            terms.add(quoted(text.substring(from)));
        }
        return String.join(" + ", terms);
    }

    static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'";
    }
}
