package dev.lingyu.model.jinja;

import dev.lingyu.model.jinja.Token.Kind;
import java.util.List;

/// The tokens of one template with a place in them, and the parser's guard against deep nesting.
final class TokenStream {
    private final String name;
    private final List<Token> tokens;
    private int position;
    private int depth;

    TokenStream(String name, List<Token> tokens) {
        this.name = name;
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(position);
    }

    Token ahead() {
        return tokens.get(Math.min(position + 1, tokens.size() - 1));
    }

    int line() {
        return current().line();
    }

    Token next() {
        Token token = current();
        if (position < tokens.size() - 1) {
            position++;
        }
        return token;
    }

    boolean skipName(String text) {
        boolean found = current().isName(text);
        if (found) {
            next();
        }
        return found;
    }

    boolean skipOperator(String text) {
        boolean found = current().isOperator(text);
        if (found) {
            next();
        }
        return found;
    }

    Token expect(Kind kind, String what) {
        if (current().kind() != kind) {
            throw error("expected " + what + ", found " + current().description());
        }
        return next();
    }

    void expectOperator(String text) {
        if (!skipOperator(text)) {
            throw error("expected '" + text + "', found " + current().description());
        }
    }

    void expectName(String text) {
        if (!skipName(text)) {
            throw error("expected '" + text + "', found " + current().description());
        }
    }

    void enter() {
        if (++depth > Budget.PARSE_DEPTH) {
            throw new TemplateException(
                    TemplateException.Kind.LIMIT,
                    name,
                    line(),
                    "blocks and parentheses nest more than " + Budget.PARSE_DEPTH + " levels deep");
        }
    }

    void leave() {
        depth--;
    }

    TemplateException error(String reason) {
        return error(line(), reason);
    }

    TemplateException error(int line, String reason) {
        return new TemplateException(TemplateException.Kind.SYNTAX, name, line, reason);
    }
}
