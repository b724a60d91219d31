package dev.lingyu.serve;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lingyu.engine.Engine;
import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderNames;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http1.Http1Config;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// An OpenAI-compatible server over one or more engines, with a chat page at `/`.
///
/// ```java
/// try (Engine engine = Engine.start(model, EngineOptions.defaults());
///         Server server = Server.builder().model("my-model", engine).port(7690).start()) {
///     System.out.println("open " + server.url());
/// }
/// ```
///
/// | path | what |
/// | --- | --- |
/// | `GET /v1/models`, `GET /v1/models/{id}` | the models |
/// | `POST /v1/chat/completions` | answers a conversation, whole or as server-sent events |
/// | `POST /v1/completions` | continues raw text or token ids |
/// | `GET /health` | 200 while requests are taken, 503 while the server shuts down |
/// | `GET /` | the chat page |
///
/// Requests run on virtual threads that queue at an engine and wait. A client that hangs up has its
/// generation cancelled, also while it waits for a whole answer. The engines stay the caller's to close,
/// after the server.
///
/// A role name such as `User:` can only follow an answer when the model does not end its answers: the
/// built-in templates close each with the end token, so a model trained with them stops by itself. For a
/// foreign model that runs on, send `stop`.
public final class Server implements AutoCloseable {
    private final WebServer web;
    private final String host;
    private final Running running;
    private final Duration grace;

    private Server(WebServer web, String host, Running running, Duration grace) {
        this.web = web;
        this.host = host;
        this.running = running;
        this.grace = grace;
    }

    /// A builder with the defaults named at its methods.
    public static Builder builder() {
        return new Builder();
    }

    /// The port it listens on.
    public int port() {
        return web.port();
    }

    /// Where to find it on this machine, such as `http://127.0.0.1:7690`.
    public String url() {
        String name = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
        return "http://" + (name.contains(":") ? "[" + name + "]" : name) + ":" + port();
    }

    /// Completion requests that are being read, waiting or answered.
    public int runningRequests() {
        return running.count();
    }

    /// Ends the server: new requests get 503, running ones may finish within the grace period, what is left
    /// then is cancelled.
    @Override
    public void close() {
        running.drain(grace);
        web.stop();
    }

    /// Collects settings; [#start()] opens the port.
    public static final class Builder {
        private final Map<String, ServedModel> models = new LinkedHashMap<>();
        private String host = "127.0.0.1";
        private int port = 7690;
        private Optional<String> apiKey = Optional.empty();
        private Optional<String> corsOrigin = Optional.of("*");
        private long maxRequestBytes = 8L << 20;
        private Duration grace = Duration.ofSeconds(30);

        private Builder() {}

        /// Adds a model under the name by which clients ask for it.
        ///
        /// @throws ServeException when the name is empty or taken
        public Builder model(String id, Engine engine) {
            return add(id, engine, Optional.empty());
        }

        /// Adds an adapted model; `GET /v1/models` names the model it is based on as its parent.
        ///
        /// @throws ServeException when the name is empty or taken
        public Builder adapter(String id, Engine engine, String parentId) {
            return add(id, engine, Optional.of(parentId));
        }

        private Builder add(String id, Engine engine, Optional<String> parent) {
            if (id.isBlank() || models.containsKey(id)) {
                throw new ServeException("A model id must be a name that no other model has; found '" + id + "'.");
            }
            models.put(id, ServedModel.of(id, engine, Instant.now().getEpochSecond(), parent));
            return this;
        }

        /// The address to listen on; default 127.0.0.1, which only this machine reaches; `0.0.0.0` is for
        /// all.
        public Builder host(String value) {
            host = value;
            return this;
        }

        /// The port; default 7690; 0 for any that is free.
        ///
        /// @throws ServeException when it is no port number
        public Builder port(int value) {
            if (value < 0 || value > 65535) {
                throw new ServeException("The port is " + value + "; expected a number from 1 to 65535.");
            }
            port = value;
            return this;
        }

        /// What clients must send as `Authorization: Bearer KEY`; default none. Page and health check need
        /// no key.
        public Builder apiKey(String value) {
            if (value.isBlank()) {
                throw new ServeException("The API key is empty; give one, or leave it out to let everybody in.");
            }
            apiKey = Optional.of(value);
            return this;
        }

        /// Which web origin's pages may call the API from a browser; default `*`; empty for none.
        public Builder corsOrigin(Optional<String> value) {
            corsOrigin = value;
            return this;
        }

        /// The largest request body [bytes]; default 8 MiB.
        public Builder maxRequestBytes(long value) {
            maxRequestBytes = value;
            return this;
        }

        /// How long running requests may take when the server is closed; default 30 s.
        public Builder grace(Duration value) {
            grace = value;
            return this;
        }

        /// Opens the port.
        ///
        /// @throws ServeException when there is no model, or host and port can't be opened
        public Server start() {
            if (models.isEmpty()) {
                throw new ServeException("A server needs at least one model.");
            }
            Running running = new Running();
            Router router = new Router(new LinkedHashMap<>(models), apiKey, corsOrigin, maxRequestBytes, running);
            checkPort();
            WebServer web = WebServer.builder()
                    .host(host)
                    .port(port)
                    .shutdownHook(false)
                    .protocolsDiscoverServices(false)
                    .addConnectionSelector(new WatchedConnections(Http1ConnectionSelector.builder()
                            .config(Http1Config.create())
                            .build()))
                    .directHandlers(directHandlers())
                    .routing(routing -> routing.any(router::handle))
                    .build()
                    .start();
            if (!web.isRunning()) {
                throw new ServeException("Port " + port + " of " + host + " can't be opened; choose another port.");
            }
            return new Server(web, host, running, grace);
        }

        /// Opens the port and closes it again, so that a port in use is told before a model is loaded for
        /// minutes. (Helidon itself would only log it.)
        ///
        /// @throws ServeException when host and port can't be opened
        public void checkPort() {
            try (ServerSocketChannel channel = ServerSocketChannel.open()) {
                channel.bind(new InetSocketAddress(host, port));
            } catch (BindException e) {
                throw new ServeException(
                        "Port %d of %s can't be opened (%s): another program may be using it; choose another port."
                                .formatted(port, host, e.getMessage()),
                        e);
            } catch (UnresolvedAddressException e) {
                throw new ServeException(
                        "There is no host '" + host + "'; expected a name or address of this machine.", e);
            } catch (IOException e) {
                throw new ServeException("Port %d of %s can't be opened: %s.".formatted(port, host, e.getMessage()), e);
            }
        }

        /// What Helidon answers before a request reaches the router, in OpenAI's form, too.
        private static DirectHandlers directHandlers() {
            DirectHandlers.Builder handlers = DirectHandlers.builder();
            for (DirectHandler.EventType type : DirectHandler.EventType.values()) {
                handlers.addHandler(type, (request, event, status, headers, message) -> {
                    boolean ours = status.code() >= 500;
                    ApiException error = ours
                            ? ApiException.server(status.code(), "internal_error", "The server failed on this request.")
                            : ApiException.request(
                                    status.code(),
                                    "bad_http_request",
                                    "This is no HTTP request that can be read: " + message);
                    JsonNode body = Json.error(error);
                    return DirectHandler.TransportResponse.builder()
                            .status(status)
                            .headers(headers)
                            .header(HeaderNames.CONTENT_TYPE, "application/json; charset=utf-8")
                            .keepAlive(false)
                            .entity(Json.bytes(body))
                            .build();
                });
            }
            return handlers.build();
        }
    }
}
