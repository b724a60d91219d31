package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.engine.EngineException;
import dev.lingyu.engine.SamplingException;
import io.helidon.http.HeaderNames;
import io.helidon.http.HeaderValues;
import io.helidon.http.Status;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Who answers what: paths and methods, the API key, errors, and what every answer carries.
final class Router {
    private static final Logger LOG = LoggerFactory.getLogger(Router.class);
    private static final String MODELS = "/v1/models";

    private final Map<String, ServedModel> models;
    private final Optional<String> apiKey;
    private final Optional<String> corsOrigin;
    private final long maxRequestBytes;
    private final Running running;
    private final ChatPage page = new ChatPage();

    Router(
            Map<String, ServedModel> models,
            Optional<String> apiKey,
            Optional<String> corsOrigin,
            long maxRequestBytes,
            Running running) {
        this.models = models;
        this.apiKey = apiKey;
        this.corsOrigin = corsOrigin;
        this.maxRequestBytes = maxRequestBytes;
        this.running = running;
    }

    /// Answers any request; nothing gets past it as an exception except that the client is gone.
    void handle(ServerRequest request, ServerResponse response) {
        response.header("X-Request-Id", "req_" + UUID.randomUUID().toString().replace("-", ""));
        corsOrigin.ifPresent(origin -> response.header(HeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, origin));
        try {
            route(request, response, request.path().path());
        } catch (ApiException e) {
            fail(response, e);
        } catch (EngineException e) {
            fail(response, apiException(e));
        } catch (SamplingException e) {
            fail(response, ApiException.request(400, "invalid_value", Json.reason(e) + "."));
        } catch (RuntimeException e) {
            if (response.isSent() || isGone(e)) {
                LOG.debug("A client went away", e);
                throw e;
            }
            LOG.error("A request failed", e);
            fail(
                    response,
                    ApiException.server(500, "internal_error", "The server failed on this request; its log says why."));
        } finally {
            if (request.headers().contains(HeaderValues.CONNECTION_CLOSE)) {
                ClientConnection.endCurrent();
            }
        }
    }

    private void route(ServerRequest request, ServerResponse response, String path) {
        String method = request.prologue().method().text();
        if (method.equals("OPTIONS")) {
            preflight(response);
            return;
        }
        if (path.equals("/health")) {
            only("GET", method, response);
            health(response);
        } else if (page.has(path)) {
            only("GET", method, response);
            page.send(path, response);
        } else if (path.equals(MODELS)) {
            authorize(request);
            only("GET", method, response);
            list(response);
        } else if (path.startsWith(MODELS + "/") && path.length() > MODELS.length() + 1) {
            authorize(request);
            only("GET", method, response);
            send(response, 200, model(path.substring(MODELS.length() + 1)).describe());
        } else if (path.equals("/v1/chat/completions") || path.equals("/v1/completions")) {
            authorize(request);
            only("POST", method, response);
            try (Running.Ticket ticket = running.enter()) {
                RequestFields fields = RequestBody.read(request, maxRequestBytes);
                ServedModel model = model(fields.requiredText("model"));
                if (path.equals("/v1/completions")) {
                    TextCompletions.answer(fields, model, response, ticket);
                } else {
                    ChatCompletions.answer(fields, model, response, ticket);
                }
            }
        } else {
            throw ApiException.request(
                    404,
                    "unknown_url",
                    "There is no %s %s here; the API is under /v1: models, chat/completions, completions."
                            .formatted(method, path));
        }
    }

    private static void only(String allowed, String method, ServerResponse response) {
        if (!allowed.equals(method)) {
            response.header(HeaderNames.ALLOW, allowed + ", OPTIONS");
            throw ApiException.request(
                    405, "method_not_allowed", "The method " + method + " is not allowed here; use " + allowed + ".");
        }
    }

    private void authorize(ServerRequest request) {
        if (apiKey.isEmpty()) {
            return;
        }
        String given = request.headers().first(HeaderNames.AUTHORIZATION).orElse("");
        byte[] expected = ("Bearer " + apiKey.get()).getBytes(StandardCharsets.UTF_8);
        // Takes the same time however much of the key is right.
        if (!MessageDigest.isEqual(expected, given.getBytes(StandardCharsets.UTF_8))) {
            throw ApiException.request(
                    401,
                    "invalid_api_key",
                    given.isEmpty()
                            ? "This server needs an API key: send the header 'Authorization: Bearer KEY'."
                            : "The API key is wrong.");
        }
    }

    private ServedModel model(String id) {
        ServedModel model = models.get(id);
        if (model == null) {
            throw ApiException.unknownModel(
                    "The model '" + id + "' does not exist here; there is " + String.join(", ", models.keySet()) + ".");
        }
        return model;
    }

    private void list(ServerResponse response) {
        ObjectNode body = Json.object().put("object", "list");
        ArrayNode data = body.putArray("data");
        models.values().forEach(model -> data.add(model.describe()));
        send(response, 200, body);
    }

    private void health(ServerResponse response) {
        boolean open = !running.isClosing();
        send(response, open ? 200 : 503, Json.object().put("status", open ? "ok" : "shutting down"));
    }

    private void preflight(ServerResponse response) {
        response.header(HeaderNames.ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
        response.header(HeaderNames.ACCESS_CONTROL_ALLOW_HEADERS, "*, Authorization, Content-Type");
        response.header(HeaderNames.ACCESS_CONTROL_MAX_AGE, "86400");
        response.status(Status.NO_CONTENT_204).send();
    }

    /// What the engine's refusals are in HTTP.
    static ApiException apiException(EngineException e) {
        return switch (e.kind()) {
            case BAD_REQUEST -> ApiException.request(400, "invalid_value", Json.reason(e) + ".");
            case BUSY -> ApiException.busy(Json.reason(e) + ".");
            case FAILED -> ApiException.server(500, "engine_failed", Json.reason(e) + ".");
        };
    }

    private static boolean isGone(Throwable e) {
        for (Throwable at = e; at != null; at = at.getCause()) {
            if (at instanceof java.io.IOException || at instanceof java.io.UncheckedIOException) {
                return true;
            }
        }
        return false;
    }

    private static void fail(ServerResponse response, ApiException error) {
        if (error.status() == 429) {
            response.header(HeaderNames.RETRY_AFTER, "1");
        }
        if (error.status() == 401) {
            response.header(HeaderNames.WWW_AUTHENTICATE, "Bearer");
        }
        send(response, error.status(), Json.error(error));
    }

    static void send(ServerResponse response, int status, JsonNode body) {
        response.header(HeaderNames.CONTENT_TYPE, "application/json; charset=utf-8");
        response.status(status).send(Json.bytes(body));
    }
}
