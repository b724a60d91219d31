package dev.lingyu.eval;

import dev.lingyu.dataset.AtomicFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// A report as one HTML file without outside resources. All text is escaped: what a model says can't become
/// markup.
public final class HtmlPage {
    private static final String STYLE = """
            :root { color-scheme: light dark; }
            body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
                   max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
            h1 { font-size: 1.7rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
            table { border-collapse: collapse; width: 100%; margin: .8rem 0; }
            th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #8884; }
            th { font-weight: 600; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
            .good { color: #1a7f37; } .bad { color: #cf222e; } .note { color: #888; }
            @media (prefers-color-scheme: dark) { .good { color: #57ab5a; } .bad { color: #f47067; } }
            """;

    private final StringBuilder body = new StringBuilder();
    private final String title;

    public HtmlPage(String title) {
        this.title = title;
        body.append("<h1>").append(escape(title)).append("</h1>\n");
    }

    /// A section's heading.
    public HtmlPage heading(String text) {
        body.append("<h2>").append(escape(text)).append("</h2>\n");
        return this;
    }

    /// A paragraph.
    public HtmlPage paragraph(String text) {
        body.append("<p>").append(escape(text)).append("</p>\n");
        return this;
    }

    /// A remark in small.
    public HtmlPage note(String text) {
        body.append("<p class=\"note\">").append(escape(text)).append("</p>\n");
        return this;
    }

    /// A table's cell, good or bad or neither.
    ///
    /// @param text what stands in it
    /// @param kind a class of the page's style, or nothing
    public record Cell(String text, String kind) {
        /// Plain text.
        public static Cell of(String text) {
            return new Cell(text, "");
        }

        /// A figure, aligned to the right.
        public static Cell number(String text) {
            return new Cell(text, "number");
        }

        /// Text marked as right or wrong.
        public static Cell judged(String text, boolean good) {
            return new Cell((good ? "✓ " : "✗ ") + text, good ? "good" : "bad");
        }
    }

    /// A table.
    public HtmlPage table(List<String> heads, List<List<Cell>> rows) {
        body.append("<table><thead><tr>");
        heads.forEach(head -> body.append("<th>").append(escape(head)).append("</th>"));
        body.append("</tr></thead><tbody>\n");
        for (List<Cell> row : rows) {
            body.append("<tr>");
            for (Cell cell : row) {
                body.append(cell.kind().isEmpty() ? "<td>" : "<td class=\"" + escape(cell.kind()) + "\">")
                        .append(escape(cell.text()))
                        .append("</td>");
            }
            body.append("</tr>\n");
        }
        body.append("</tbody></table>\n");
        return this;
    }

    /// The whole file.
    public String html() {
        return "<!doctype html>\n<html lang=\"zh\">\n<head>\n<meta charset=\"utf-8\">\n"
                + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
                + escape(title) + "</title>\n<style>\n" + STYLE + "</style>\n</head>\n<body>\n" + body
                + "</body>\n</html>\n";
    }

    /// Writes the file, whole or not at all.
    public void write(Path file) throws IOException {
        AtomicFile.write(file, html());
    }

    static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.append(c);
            }
        }
        return escaped.toString();
    }
}
