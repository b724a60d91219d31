package dev.lingyu.dataset;

import static java.util.Objects.requireNonNull;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/// The files that a path stands for: itself, the readable ones of a folder in the order of their names (not
/// of its folders), the readable ones of a `.zip`.
final class Inputs {
    private static final String QUARANTINE = ".quarantine.jsonl";

    private Inputs() {}

    /// Finds the files.
    ///
    /// @param notices gets a sentence for everything left out
    /// @throws DatasetException if the path is not there or holds nothing that can be read
    public static List<Input> at(Path path, List<String> notices) {
        if (Files.notExists(path)) {
            throw DatasetException.inFile(path, "there is no such file." + suggestion(path));
        }
        try {
            return Files.isDirectory(path) ? folder(path, notices) : file(path, notices);
        } catch (IOException failure) {
            throw DatasetException.inFile(path, "can't be read (" + failure.getMessage() + ")", failure);
        }
    }

    private static String suggestion(Path path) {
        Path folder = Optional.ofNullable(path.getParent()).orElse(Path.of(""));
        String name = String.valueOf(path.getFileName());
        if (!Files.isDirectory(folder)) {
            return " Its folder is not there either: check the path";
        }
        try (Stream<Path> siblings = Files.list(folder)) {
            List<String> names = siblings.map(sibling -> String.valueOf(sibling.getFileName()))
                    .toList();
            return NearName.of(name, names)
                    .map(near -> " Did you mean " + folder.resolve(near) + "?")
                    .orElse(" Check the path");
        } catch (IOException unreadable) {
            return " Check the path";
        }
    }

    private static List<Input> folder(Path folder, List<String> notices) throws IOException {
        List<Path> files;
        try (Stream<Path> entries = Files.list(folder)) {
            files = entries.filter(Files::isRegularFile)
                    .sorted(Comparator.comparing(file -> String.valueOf(file.getFileName())))
                    .toList();
        }
        List<Input> inputs = new ArrayList<>();
        for (Path file : files) {
            String name = String.valueOf(file.getFileName());
            if (name.startsWith(".") || name.equals("dataset_info.json") || name.endsWith(QUARANTINE)) {
                continue;
            }
            if (Input.refusal(name).isPresent()) {
                notices.add(file + " is left out: not a kind of file that can be read");
            } else {
                inputs.addAll(file(file, notices));
            }
        }
        if (inputs.isEmpty()) {
            throw DatasetException.inFile(
                    folder,
                    "the folder holds no .jsonl, .json, .txt or .parquet file (nor .gz or .zip of the first three). Check the path");
        }
        return inputs;
    }

    private static List<Input> file(Path file, List<String> notices) throws IOException {
        String name = String.valueOf(file.getFileName());
        Optional<String> refusal = Input.refusal(name);
        if (refusal.isPresent()) {
            throw DatasetException.inFile(file, refusal.get());
        }
        if (name.toLowerCase(Locale.ROOT).endsWith(".zip")) {
            return archive(file, notices);
        }
        return List.of(new Input(file, name, () -> Files.newInputStream(file)));
    }

    private static List<Input> archive(Path file, List<String> notices) throws IOException {
        List<Input> inputs = new ArrayList<>();
        Charset names;
        try (Archive archive = Archive.open(file)) {
            names = archive.names();
            for (String entry : archive.entries()) {
                String name = entry.substring(entry.lastIndexOf('/') + 1);
                if (name.startsWith(".") || entry.startsWith("__MACOSX/")) {
                    continue;
                }
                Path shown = file.resolveSibling(file.getFileName() + "!/" + entry.replace('\0', '?'));
                if (Input.readable(name)) {
                    inputs.add(new Input(shown, name, () -> Archive.stream(file, names, entry)));
                } else {
                    notices.add(shown + " is left out: not a kind of file that can be read");
                }
            }
        } catch (ZipException damaged) {
            throw DatasetException.inFile(
                    file, "not a whole .zip archive (" + damaged.getMessage() + "). Copy it again", damaged);
        }
        if (inputs.isEmpty()) {
            throw DatasetException.inFile(
                    file, "the archive holds no .jsonl, .json or .txt file. Check what was packed");
        }
        return inputs;
    }

    /// A zip file, with names in UTF-8 or, as Windows packs them in China, in GB18030.
    private record Archive(ZipFile zip, Charset names) implements AutoCloseable {
        private Archive {
            requireNonNull(zip, "zip");
        }

        static Archive open(Path file) throws IOException {
            try {
                return new Archive(new ZipFile(file.toFile(), StandardCharsets.UTF_8), StandardCharsets.UTF_8);
            } catch (ZipException | IllegalArgumentException oddNames) {
                Charset chinese = Charset.forName("GB18030");
                try {
                    return new Archive(new ZipFile(file.toFile(), chinese), chinese);
                } catch (IllegalArgumentException damaged) {
                    throw new ZipException(String.valueOf(damaged.getMessage()));
                }
            }
        }

        List<String> entries() throws ZipException {
            try {
                return zip.stream()
                        .filter(entry -> !entry.isDirectory())
                        .map(ZipEntry::getName)
                        .sorted()
                        .toList();
            } catch (IllegalArgumentException damaged) {
                throw new ZipException(String.valueOf(damaged.getMessage()));
            }
        }

        @SuppressWarnings("resource") // closed with the stream
        static InputStream stream(Path file, Charset names, String entry) throws IOException {
            ZipFile zip = new ZipFile(file.toFile(), names);
            try {
                ZipEntry found = zip.getEntry(entry);
                InputStream in = found == null ? null : zip.getInputStream(found);
                if (in == null) {
                    throw new ZipException("the entry " + entry + " is gone");
                }
                return new FilterInputStream(in) {
                    @Override
                    public void close() throws IOException {
                        super.close();
                        zip.close();
                    }
                };
            } catch (IOException | RuntimeException failure) {
                zip.close();
                throw failure;
            }
        }

        @Override
        public void close() throws IOException {
            zip.close();
        }
    }
}
