package dev.lingyu.model.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/// A vocabulary that was learned, ready to be written.
///
/// @param settings what it was asked to be
/// @param tokens all tokens in byte letters, by id
/// @param merges what was put together, in the order in which encoding must do it
public record TrainedBpe(BpeSettings settings, List<String> tokens, List<Merge> merges) {

    /// Keeps its own copies.
    public TrainedBpe {
        tokens = List.copyOf(tokens);
        merges = List.copyOf(merges);
    }

    /// Two tokens that become one.
    public record Merge(String left, String right) {}

    /// How many tokens there are; fewer than asked for when the texts gave no more.
    public int vocabularySize() {
        return tokens.size();
    }

    /// Writes `tokenizer.json` in the layout of BLOOM's, `tokenizer_config.json` and
    /// `special_tokens_map.json`, each whole or not at all.
    ///
    /// @param directory is made if missing
    /// @throws TokenizerException when a file can't be written
    public void save(Path directory) {
        try {
            Files.createDirectories(directory);
            write(directory, "tokenizer_config.json", tokenizerConfig());
            write(directory, "special_tokens_map.json", roles());
            write(directory, Tokenizer.FILE_NAME, tokenizer());
        } catch (IOException e) {
            throw new TokenizerException(
                    "The tokenizer can't be written to %s: %s.".formatted(directory, e.getMessage()), e);
        }
    }

    private ObjectNode tokenizer() {
        ObjectNode root = TokenizerFile.JSON.createObjectNode();
        root.put("version", "1.0").putNull("truncation").putNull("padding");
        ArrayNode added = root.putArray("added_tokens");
        List<String> special = settings.specialTokens();
        for (int id = 0; id < special.size(); id++) {
            added.addObject()
                    .put("id", id)
                    .put("content", special.get(id))
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        settings.preTokenizer().describe(root);
        ObjectNode model = root.putObject("model").put("type", "BPE");
        model.putNull("dropout").putNull("unk_token").putNull("continuing_subword_prefix");
        model.putNull("end_of_word_suffix").put("fuse_unk", false);
        ObjectNode vocabulary = model.putObject("vocab");
        for (int id = 0; id < tokens.size(); id++) {
            vocabulary.put(tokens.get(id), id);
        }
        ArrayNode pairs = model.putArray("merges");
        merges.forEach(merge -> pairs.add(merge.left() + " " + merge.right()));
        return root;
    }

    private ObjectNode tokenizerConfig() {
        ObjectNode config = roles();
        // The class that takes tokenizer.json as it is; named families would be built again from their own
        // rules.
        return config.put("tokenizer_class", "PreTrainedTokenizerFast")
                .put("clean_up_tokenization_spaces", false)
                .put("padding_side", "left");
    }

    private ObjectNode roles() {
        ObjectNode map = TokenizerFile.JSON.createObjectNode();
        settings.unk().ifPresent(token -> map.put("unk_token", token));
        settings.bos().ifPresent(token -> map.put("bos_token", token));
        settings.eos().ifPresent(token -> map.put("eos_token", token));
        settings.pad().ifPresent(token -> map.put("pad_token", token));
        return map;
    }

    private static void write(Path directory, String name, ObjectNode content) throws IOException {
        Path part = directory.resolve(name + ".part");
        Files.write(part, TokenizerFile.JSON.writeValueAsBytes(content));
        try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
        Files.move(part, directory.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }
}
