package dev.lingyu.model.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/// Which ids begin, end, fill and replace, gathered from the settings beside `tokenizer.json`.
///
/// A role is looked up as a token in `tokenizer_config.json`, then in `special_tokens_map.json`,
/// then as an id in `generation_config.json`, then in `config.json`. A name or id that the
/// vocabulary does not have is passed over: published configs often carry the defaults of another
/// model.
///
/// @param eos all ids that end an answer: the tokenizer's own first, then those that only
///     generation_config.json names (chat models end turns with another token than documents);
///     config.json counts when nothing else names one
record SpecialTokens(OptionalInt bos, List<Integer> eos, OptionalInt pad, OptionalInt unk) {

    static SpecialTokens read(TokenizerFiles files, TokenizerFile file) {
        List<JsonNode> names =
                List.of(readJson(files, "tokenizer_config.json"), readJson(files, "special_tokens_map.json"));
        List<JsonNode> numbers = List.of(readJson(files, "generation_config.json"), readJson(files, "config.json"));

        Set<Integer> eos = new LinkedHashSet<>();
        named("eos_token", file, names).ifPresent(eos::add);
        eos.addAll(numbered("eos_token_id", file, numbers.getFirst()));
        if (eos.isEmpty()) {
            eos.addAll(numbered("eos_token_id", file, numbers.getLast()));
        }
        OptionalInt unk = named("unk_token", file, names);
        return new SpecialTokens(
                role("bos", file, names, numbers),
                List.copyOf(eos),
                role("pad", file, names, numbers),
                unk.isPresent() ? unk : file.unknownId());
    }

    private static OptionalInt role(String role, TokenizerFile file, List<JsonNode> names, List<JsonNode> numbers) {
        OptionalInt id = named(role + "_token", file, names);
        if (id.isPresent()) {
            return id;
        }
        return numbers.stream()
                .map(settings -> numbered(role + "_token_id", file, settings))
                .filter(ids -> !ids.isEmpty())
                .findFirst()
                .map(ids -> OptionalInt.of(ids.getFirst()))
                .orElse(OptionalInt.empty());
    }

    private static OptionalInt named(String field, TokenizerFile file, List<JsonNode> settings) {
        for (JsonNode node : settings) {
            JsonNode value = node.path(field);
            JsonNode name = value.isObject() ? value.path("content") : value;
            if (name.isTextual()) {
                OptionalInt id = file.id(name.asText());
                if (id.isPresent()) {
                    return id;
                }
            }
        }
        return OptionalInt.empty();
    }

    private static List<Integer> numbered(String field, TokenizerFile file, JsonNode settings) {
        JsonNode value = settings.path(field);
        Set<Integer> ids = new LinkedHashSet<>();
        for (JsonNode id : value.isArray() ? value : List.of(value)) {
            if (id.isInt() && file.token(id.asInt()).isPresent()) {
                ids.add(id.asInt());
            }
        }
        return List.copyOf(ids);
    }

    private static JsonNode readJson(TokenizerFiles files, String name) {
        Optional<byte[]> content = files.read(name);
        if (content.isEmpty()) {
            return MissingNode.getInstance();
        }
        try {
            return TokenizerFile.JSON.readTree(content.get());
        } catch (JsonProcessingException e) {
            throw new TokenizerException(
                    "%s is not readable as JSON (%s); repair the file or take it again from the model's source."
                            .formatted(files.nameOf(name), e.getOriginalMessage()),
                    e);
        } catch (IOException e) {
            throw new TokenizerException("%s can't be read: %s.".formatted(files.nameOf(name), e.getMessage()), e);
        }
    }
}
