package dev.lingyu.model.tokenizer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The files that define a tokenizer: those of a model directory, or documents made from another format.
sealed interface TokenizerFiles {
    /// What to call a file in messages.
    String nameOf(String file);

    /// A file's content; empty where there is none.
    ///
    /// @throws TokenizerException when it can't be read
    Optional<byte[]> read(String file);

    /// Copies those of some files that are there, byte for byte, each atomically.
    void copyTo(Path target, List<String> files) throws IOException;

    /// @param directory a Hugging Face directory
    record InDirectory(Path directory) implements TokenizerFiles {
        @Override
        public String nameOf(String file) {
            return directory.resolve(file).toString();
        }

        @Override
        public Optional<byte[]> read(String file) {
            Path path = directory.resolve(file);
            if (!Files.isRegularFile(path)) {
                return Optional.empty();
            }
            try {
                return Optional.of(Files.readAllBytes(path));
            } catch (IOException e) {
                throw new TokenizerException("%s can't be read: %s.".formatted(path, e.getMessage()), e);
            }
        }

        @Override
        public void copyTo(Path target, List<String> files) throws IOException {
            Files.createDirectories(target);
            if (Files.isSameFile(directory, target)) {
                return;
            }
            for (String file : files) {
                Path source = directory.resolve(file);
                if (Files.isRegularFile(source)) {
                    Path part = target.resolve(file + ".part");
                    Files.copy(source, part, StandardCopyOption.REPLACE_EXISTING);
                    Files.move(part, target.resolve(file), StandardCopyOption.ATOMIC_MOVE);
                }
            }
        }
    }

    /// @param documents by file name
    /// @param where     what they were made from, for messages
    record InMemory(Map<String, byte[]> documents, String where) implements TokenizerFiles {
        @Override
        public String nameOf(String file) {
            return "The tokenizer of " + where;
        }

        @Override
        public Optional<byte[]> read(String file) {
            return Optional.ofNullable(documents.get(file));
        }

        @Override
        public void copyTo(Path target, List<String> files) throws IOException {
            Files.createDirectories(target);
            for (String file : files) {
                byte[] document = documents.get(file);
                if (document != null) {
                    Path part = Files.write(target.resolve(file + ".part"), document);
                    Files.move(part, target.resolve(file), StandardCopyOption.ATOMIC_MOVE);
                }
            }
        }
    }
}
