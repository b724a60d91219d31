package dev.lingyu.cli;

import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.serve.Server;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// One engine for each adapter, all over the weights of one model.
final class AdaptedEngines implements AutoCloseable {
    private final Map<String, Engine> engines = new LinkedHashMap<>();
    private final List<LanguageModel> models = new ArrayList<>();

    private AdaptedEngines() {}

    /// @param base stays the caller's, to be closed after this
    static AdaptedEngines start(LanguageModel base, Map<String, Path> adapters, EngineOptions options) {
        AdaptedEngines started = new AdaptedEngines();
        try {
            adapters.forEach((name, directory) -> {
                LanguageModel model = base.sharing();
                started.models.add(model);
                model.adapt(name, directory);
                started.engines.put(name, Engine.start(model, options));
            });
            return started;
        } catch (RuntimeException e) {
            started.close();
            throw e;
        }
    }

    /// Puts each up under its name.
    Server.Builder addTo(Server.Builder server, String baseId) {
        engines.forEach((name, engine) -> server.adapter(name, engine, baseId));
        return server;
    }

    @Override
    public void close() {
        engines.values().forEach(Engine::close);
        models.forEach(LanguageModel::close);
    }
}
