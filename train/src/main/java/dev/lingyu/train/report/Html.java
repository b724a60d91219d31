package dev.lingyu.train.report;

/// Text in HTML and SVG.
final class Html {
    private Html() {}

    /// The text with its markup characters escaped.
    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
