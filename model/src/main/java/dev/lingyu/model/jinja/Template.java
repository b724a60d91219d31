package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.TemplateException.Kind;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A parsed template. Immutable; renderings don't share anything, so any number of threads may use one
/// template.
///
/// ```java
/// Template.parse("greeting", "Hi {{ name|title }}!").render(Map.of("name", "lingyu")).text() // Hi Lingyu!
/// ```
public final class Template {
    /// UTF-16 positions `[start, end)` in a rendered text.
    public record Span(int start, int end) {}

    /// A rendered text, what of it stands in `{% generation %}` blocks, and where each printed piece of it
    /// begins (UTF-16 positions, ascending). Blocks and pieces inside of macros and block sets leave no
    /// trace, since their text may go anywhere.
    public record Rendering(String text, List<Span> generations, List<Integer> pieces) {}

    private final String name;
    private final String source;
    private final List<Stmt> body;

    private Template(String name, String source, List<Stmt> body) {
        this.name = name;
        this.source = source;
        this.body = body;
    }

    /// Reads a template; `name` is for error messages.
    ///
    /// @throws TemplateException of kind SYNTAX or LIMIT when the text is no template
    public static Template parse(String name, String source) {
        try {
            return new Template(name, source, Parser.parse(name, source));
        } catch (StackOverflowError e) {
            throw tooDeep(name, 1);
        } catch (Fault fault) {
            throw new TemplateException(fault.kind(), name, 1, fault.reason());
        }
    }

    /// The name given to [#parse].
    public String name() {
        return name;
    }

    /// The text given to [#parse].
    public String source() {
        return source;
    }

    /// Renders with the system's clock.
    ///
    /// @throws TemplateException when the template fails on these variables, refuses them, or exceeds [Budget]
    public Rendering render(Map<String, ?> variables) {
        return render(variables, Clock.systemDefaultZone());
    }

    /// Renders; `variables` hold strings, numbers, booleans, nulls, collections and maps of such, and
    /// `clock` is what `strftime_now` reads.
    ///
    /// @throws TemplateException when the template fails on these variables, refuses them, or exceeds [Budget]
    public Rendering render(Map<String, ?> variables, Clock clock) {
        Budget budget = new Budget();
        Evaluator evaluator = new Evaluator(budget, clock);
        try {
            Map<String, Object> values = new LinkedHashMap<>();
            variables.forEach((key, value) -> values.put(key, Values.from(value)));
            return new Interpreter(budget, evaluator).run(body, values);
        } catch (Fault fault) {
            throw new TemplateException(fault.kind(), name, evaluator.line(), fault.reason());
        } catch (StackOverflowError e) {
            // The depth bounds hold on an ordinary stack; a caller may have used most of it already.
            throw tooDeep(name, evaluator.line());
        }
    }

    private static TemplateException tooDeep(String name, int line) {
        return new TemplateException(Kind.LIMIT, name, line, "it nests too deeply for the stack of this thread");
    }
}
