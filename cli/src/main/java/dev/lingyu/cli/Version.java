package dev.lingyu.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.Properties;
import picocli.CommandLine;

/// The version of this build, as Maven wrote it into the jar.
final class Version implements CommandLine.IVersionProvider {

    /// The version alone, for example `0.1.0`.
    static String number() {
        Properties properties = new Properties();
        try (InputStream in = Objects.requireNonNull(Version.class.getResourceAsStream("version.properties"))) {
            properties.load(in);
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        return Objects.requireNonNull(properties.getProperty("version"));
    }

    @Override
    public String[] getVersion() {
        return new String[] {
            "lingyu " + number() + " (Java " + Runtime.version() + ", " + System.getProperty("os.name") + " "
                    + System.getProperty("os.arch") + ")"
        };
    }
}
