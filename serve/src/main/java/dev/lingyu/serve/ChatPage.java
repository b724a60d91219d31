package dev.lingyu.serve;

import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;

/// The chat page: three files from the jar, and nothing from elsewhere.
final class ChatPage {
    private record File(String type, byte[] content) {}

    private final Map<String, File> files = Map.of(
            "/", file("index.html", "text/html; charset=utf-8"),
            "/chat.css", file("chat.css", "text/css; charset=utf-8"),
            "/chat.js", file("chat.js", "text/javascript; charset=utf-8"));

    boolean has(String path) {
        return files.containsKey(path);
    }

    void send(String path, ServerResponse response) {
        File file = java.util.Objects.requireNonNull(files.get(path));
        response.header(HeaderNames.CONTENT_TYPE, file.type());
        response.header(HeaderNames.CACHE_CONTROL, "no-cache");
        response.header("X-Content-Type-Options", "nosniff");
        response.header(
                "Content-Security-Policy",
                "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'");
        response.send(file.content());
    }

    private static File file(String name, String type) {
        try (InputStream in = ChatPage.class.getResourceAsStream("page/" + name)) {
            if (in == null) {
                throw new IllegalStateException("The program was built without the chat page's file " + name + ".");
            }
            return new File(type, in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
