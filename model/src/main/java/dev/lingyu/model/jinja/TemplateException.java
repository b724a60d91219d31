package dev.lingyu.model.jinja;

/// A template that can't be read or rendered: its message names the template, the line, and what went wrong.
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// What kind of trouble it was.
    public enum Kind {
        /// The text of the template is no valid template.
        SYNTAX,
        /// An operation failed on the values it was given.
        RENDERING,
        /// The template itself refused its input with `raise_exception(…)`.
        RAISED,
        /// The template wanted more steps, output or nesting than [Budget] grants.
        LIMIT
    }

    private final Kind kind;
    private final String template;
    private final int line;
    private final String reason;

    TemplateException(Kind kind, String template, int line, String reason) {
        super("chat template " + template + ", line " + line + ": " + reason);
        this.kind = kind;
        this.template = template;
        this.line = line;
        this.reason = reason;
    }

    /// What kind of trouble it was.
    public Kind kind() {
        return kind;
    }

    /// The name the template was parsed under.
    public String template() {
        return template;
    }

    /// The line in the template, from 1.
    public int line() {
        return line;
    }

    /// The sentence without template and line; for [Kind#RAISED] exactly what the template said.
    public String reason() {
        return reason;
    }
}
