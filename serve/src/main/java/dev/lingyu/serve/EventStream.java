package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.http.ServerResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/// Server-sent events as OpenAI frames them: `data: {json}` and a blank line each, at last `data: [DONE]`.
final class EventStream implements AutoCloseable {
    private final OutputStream out;

    private EventStream(OutputStream out) {
        this.out = out;
    }

    /// Sends the headers with the first event.
    static EventStream open(ServerResponse response) {
        response.header(HeaderNames.CONTENT_TYPE, "text/event-stream; charset=utf-8");
        response.header(HeaderNames.CACHE_CONTROL, "no-cache");
        // Else nginx collects the whole answer before it passes anything on.
        response.header("X-Accel-Buffering", "no");
        return new EventStream(response.outputStream());
    }

    /// Sends one event at once.
    ///
    /// @throws UncheckedIOException when the client is gone
    void send(JsonNode event) {
        write(Json.bytes(event));
    }

    /// Sends the mark that nothing follows.
    void done() {
        write("[DONE]".getBytes(StandardCharsets.UTF_8));
    }

    private void write(byte[] data) {
        byte[] frame = new byte[data.length + 8];
        System.arraycopy("data: ".getBytes(StandardCharsets.US_ASCII), 0, frame, 0, 6);
        System.arraycopy(data, 0, frame, 6, data.length);
        frame[frame.length - 2] = '\n';
        frame[frame.length - 1] = '\n';
        try {
            out.write(frame);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            out.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
