package dev.lingyu.serve;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.helidon.webserver.http.ServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Locale;

/// Reads the JSON object that a client posted.
final class RequestBody {
    private RequestBody() {}

    /// The body as fields.
    ///
    /// @param limitBytes the largest body
    /// @throws ApiException 413 when it is larger, 415 when it is said not to be JSON, 400 when it isn't a
    ///     JSON object
    static RequestFields read(ServerRequest request, long limitBytes) {
        request.headers().contentType().ifPresent(type -> checkType(type.text()));
        if (request.headers().contentLength().orElse(0) > limitBytes) {
            throw tooLarge(limitBytes);
        }
        byte[] body = bytes(request, limitBytes);
        if (body.length == 0) {
            throw ApiException.request(400, "invalid_json", "The request has no body; expected a JSON object.");
        }
        JsonNode root;
        try {
            root = Json.MAPPER.readTree(body);
        } catch (JsonProcessingException e) {
            throw ApiException.request(
                    400, "invalid_json", "The request body is not valid JSON%s: %s.".formatted(place(e), what(e)));
        } catch (IOException e) {
            throw ApiException.request(
                    400, "invalid_json", "The request body is not valid UTF-8: " + Json.reason(e) + ".");
        }
        if (!(root instanceof ObjectNode object)) {
            throw ApiException.request(
                    400,
                    "invalid_json",
                    "The request body is a JSON " + RequestFields.kind(root) + "; expected an object.");
        }
        return new RequestFields(object);
    }

    private static void checkType(String type) {
        String bare = type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        if (!bare.equals("application/json") && !bare.endsWith("+json")) {
            throw ApiException.request(
                    415,
                    "unsupported_media_type",
                    "The header Content-Type is '" + bare + "'; expected 'application/json'.");
        }
    }

    private static byte[] bytes(ServerRequest request, long limitBytes) {
        if (!request.content().hasEntity()) {
            return new byte[0];
        }
        try (InputStream in = request.content().inputStream()) {
            byte[] body = in.readNBytes((int) Math.min(Integer.MAX_VALUE - 8L, limitBytes + 1));
            if (body.length > limitBytes) {
                throw tooLarge(limitBytes);
            }
            return body;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ApiException tooLarge(long limitBytes) {
        return ApiException.request(
                413, "request_too_large", "The request body is larger than " + limitBytes + " bytes; send less text.");
    }

    private static String place(JsonProcessingException e) {
        JsonLocation at = e.getLocation();
        return at == null ? "" : " at line %d, column %d".formatted(at.getLineNr(), at.getColumnNr());
    }

    /// Jackson's own words, without its hints for programmers behind the first sentence.
    private static String what(JsonProcessingException e) {
        String message = e.getOriginalMessage().lines().findFirst().orElse("").strip();
        return message.endsWith(".") ? message.substring(0, message.length() - 1) : message;
    }
}
