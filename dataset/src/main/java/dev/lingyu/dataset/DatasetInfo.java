package dev.lingyu.dataset;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.lingyu.dataset.Layout.Formatting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/// The datasets that a folder's `dataset_info.json` names, with LLaMA-Factory's meaning.
///
/// As there, the default names of columns (or tags) hold only while the whole `columns` (or `tags`) object is
/// absent. Unlike there, a key that looks like a slip of the pen (`format` for `formatting`) is an error and
/// any other unknown key a notice, and nothing is ever downloaded. An entry is judged when it is asked for,
/// so that a file with hundreds of hub entries can be used for its few local ones.
public final class DatasetInfo {
    /// The name of the file.
    public static final String FILE = "dataset_info.json";

    private static final List<String> REMOTE =
            List.of("hf_hub_url", "ms_hub_url", "om_hub_url", "script_url", "cloud_file_name");
    private static final List<String> KEYS = List.of(
            "file_name", "formatting", "ranking", "columns", "tags", "num_samples", "subset", "split", "folder");
    private static final Set<String> MEDIA = Set.of("images", "videos", "audios");
    private static final Map<String, Role> ROLE_TAGS = Map.of(
            "user_tag", Role.USER,
            "assistant_tag", Role.ASSISTANT,
            "observation_tag", Role.OBSERVATION,
            "function_tag", Role.TOOL_CALL,
            "system_tag", Role.SYSTEM);

    private final Path file;
    private final Map<String, JsonNode> entries;

    private DatasetInfo(Path file, Map<String, JsonNode> entries) {
        this.file = file;
        this.entries = Collections.unmodifiableMap(entries);
    }

    /// Reads the file in a folder.
    ///
    /// @return empty if the folder has none
    /// @throws DatasetException if it is not a JSON object of objects
    public static Optional<DatasetInfo> in(Path folder) {
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            JsonNode root = new JsonMapper().readTree(Files.readAllBytes(file));
            if (!root.isObject()) {
                throw DatasetException.inFile(file, "expected one object {…} of datasets by name");
            }
            Map<String, JsonNode> entries = new LinkedHashMap<>();
            root.properties().forEach(entry -> entries.put(entry.getKey(), entry.getValue()));
            return Optional.of(new DatasetInfo(file, entries));
        } catch (JsonProcessingException malformed) {
            String place = malformed.getLocation() == null
                    ? ""
                    : " at line " + malformed.getLocation().getLineNr();
            throw DatasetException.inFile(
                    file, "not valid JSON" + place + " (" + malformed.getOriginalMessage() + ")", malformed);
        } catch (IOException unreadable) {
            throw DatasetException.inFile(file, "can't be read (" + unreadable.getMessage() + ")", unreadable);
        }
    }

    /// The names, in the order of the file.
    public List<String> names() {
        return List.copyOf(entries.keySet());
    }

    /// The entry of a name.
    ///
    /// @return empty if the file does not name it
    /// @throws DatasetException if the entry is wrong or its data is not on this machine
    public Optional<DatasetEntry> entry(String name) {
        JsonNode node = entries.get(name);
        return node == null ? Optional.empty() : Optional.of(entry(name, node));
    }

    private DatasetEntry entry(String name, JsonNode node) {
        if (!node.isObject()) {
            throw wrong(name, "expected an object {…} with a file_name");
        }
        List<String> notices = new ArrayList<>();
        checkKeys(name, "", node, Stream.concat(KEYS.stream(), REMOTE.stream()).toList(), notices);
        for (String unused : List.of("subset", "split", "folder")) {
            if (node.hasNonNull(unused) && !node.get(unused).asText().equals("train")) {
                notices.add("dataset \"" + name + "\": " + unused + " has no effect on local files");
            }
        }
        Path path = path(name, node);
        Optional<Formatting> named = string(name, node, "formatting").map(word -> formatting(name, word));
        Formatting formatting = named.orElse(Formatting.ALPACA);
        boolean ranking = ranking(name, node);
        Map<Column, String> columns = columns(name, node, formatting, notices);
        Layout layout = new Layout(formatting, ranking, columns, tags(name, node, notices));
        return new DatasetEntry(name, path, Optional.of(layout), samples(name, node), notices);
    }

    private Path path(String name, JsonNode node) {
        Optional<String> local = string(name, node, "file_name");
        if (local.isPresent()) {
            try {
                return file.resolveSibling(local.get());
            } catch (InvalidPathException impossible) {
                throw wrong(name, "file_name can't be the name of a file (" + impossible.getReason() + ")");
            }
        }
        for (String key : REMOTE) {
            Optional<String> remote = string(name, node, key);
            if (remote.isPresent()) {
                throw wrong(
                        name,
                        "its data is elsewhere (" + key + " \"" + remote.get() + "\"), and nothing is downloaded here."
                                + " Put the files beside " + FILE + " and name them with file_name");
            }
        }
        throw wrong(name, "expected a file_name, found none. Add it: the file or folder, seen from " + FILE);
    }

    private Formatting formatting(String name, String word) {
        return switch (word) {
            case "alpaca" -> Formatting.ALPACA;
            case "sharegpt" -> Formatting.SHAREGPT;
            case "openai" -> Formatting.OPENAI;
            default -> throw wrong(name, "formatting is alpaca, sharegpt or openai, not \"" + word + "\"");
        };
    }

    private boolean ranking(String name, JsonNode node) {
        JsonNode ranking = node.path("ranking");
        if (!ranking.isMissingNode() && !ranking.isNull() && !ranking.isBoolean()) {
            throw wrong(name, "ranking is true or false, not " + ranking);
        }
        return ranking.asBoolean();
    }

    private OptionalLong samples(String name, JsonNode node) {
        JsonNode samples = node.path("num_samples");
        if (samples.isMissingNode() || samples.isNull()) {
            return OptionalLong.empty();
        }
        if (!samples.isIntegralNumber() || !samples.canConvertToLong() || samples.longValue() < 1) {
            throw wrong(name, "num_samples is a whole number from 1, not " + samples);
        }
        return OptionalLong.of(samples.longValue());
    }

    private Map<Column, String> columns(String name, JsonNode node, Formatting formatting, List<String> notices) {
        if (!node.hasNonNull("columns")) {
            return formatting == Formatting.ALPACA
                    ? Layout.alpaca().columns()
                    : Layout.sharegpt().columns();
        }
        JsonNode named = node.get("columns");
        List<String> keys = Stream.concat(Stream.of(Column.values()).map(Column::key), MEDIA.stream())
                .toList();
        checkKeys(name, "columns.", named, keys, notices);
        for (String medium : MEDIA) {
            if (named.hasNonNull(medium)) {
                throw wrong(name, "it has " + medium + ", and only text can be learned from here. Remove the column");
            }
        }
        Map<Column, String> columns = new EnumMap<>(Column.class);
        for (Column column : Column.values()) {
            string(name, named, column.key()).ifPresent(field -> columns.put(column, field));
        }
        Column needed = formatting == Formatting.ALPACA ? Column.PROMPT : Column.MESSAGES;
        if (!columns.containsKey(needed)) {
            throw wrong(
                    name,
                    "columns names no " + needed.key() + "; once columns is given, no default name holds. Add it");
        }
        return columns;
    }

    private Tags tags(String name, JsonNode node, List<String> notices) {
        if (!node.hasNonNull("tags")) {
            return Tags.sharegpt();
        }
        JsonNode named = node.get("tags");
        List<String> keys = Stream.concat(
                        Stream.of("role_tag", "content_tag"),
                        ROLE_TAGS.keySet().stream().sorted())
                .toList();
        checkKeys(name, "tags.", named, keys, notices);
        Map<String, Role> roles = new HashMap<>();
        ROLE_TAGS.forEach((key, role) -> string(name, named, key).ifPresent(tag -> roles.put(tag, role)));
        Optional<String> role = string(name, named, "role_tag");
        Optional<String> content = string(name, named, "content_tag");
        boolean sides = roles.containsValue(Role.USER) && roles.containsValue(Role.ASSISTANT);
        if (role.isEmpty() || content.isEmpty() || !sides) {
            throw wrong(
                    name,
                    "tags needs role_tag, content_tag, user_tag and assistant_tag; once tags is given, no default"
                            + " name holds. Add what is missing");
        }
        return new Tags(role.get(), content.get(), roles);
    }

    private void checkKeys(String name, String place, JsonNode node, List<String> known, List<String> notices) {
        if (!node.isObject()) {
            throw wrong(name, place + " is an object {…}, not " + node);
        }
        node.fieldNames().forEachRemaining(key -> {
            if (known.contains(key)) {
                return;
            }
            Optional<String> near = NearName.of(key, known);
            if (near.isPresent()) {
                throw wrong(
                        name, "there is no key \"" + place + key + "\". Did you mean \"" + place + near.get() + "\"?");
            }
            notices.add("dataset \"" + name + "\": the key \"" + place + key + "\" has no effect");
        });
    }

    private Optional<String> string(String name, JsonNode node, String key) {
        JsonNode value = node.path(key);
        if (value.isMissingNode() || value.isNull()) {
            return Optional.empty();
        }
        if (!value.isTextual() || value.textValue().isEmpty()) {
            throw wrong(name, String.format(Locale.ROOT, "%s is a name in quotes, not %s", key, value));
        }
        return Optional.of(value.textValue());
    }

    private DatasetException wrong(String name, String problem) {
        return DatasetException.inFile(file, "dataset \"" + name + "\": " + problem);
    }
}
