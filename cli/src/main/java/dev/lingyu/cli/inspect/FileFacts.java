package dev.lingyu.cli.inspect;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/// The files of a folder with their sizes.
final class FileFacts {
    private static final int LISTED = 30;

    private FileFacts() {}

    static void add(Path directory, Facts facts) throws IOException {
        List<Path> files;
        try (Stream<Path> entries = Files.list(directory)) {
            files = entries.filter(Files::isRegularFile).sorted().toList();
        }
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        facts.add("files", files.size() + ", " + Facts.size(bytes) + " in all");
        for (Path file : files.subList(0, Math.min(LISTED, files.size()))) {
            facts.more(file.getFileName() + "  " + Facts.size(Files.size(file)));
        }
        if (files.size() > LISTED) {
            facts.more("… and " + (files.size() - LISTED) + " more");
        }
    }
}
