package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ThirdPartyTest {

    @Test
    void theListOfLicencesIsTheOneOfThisBuild() throws IOException {
        Path root = Path.of(System.getProperty("lingyu.root"));
        Path built = root.resolve("cli/target/third-party/THIRD-PARTY.md");
        assumeTrue(Files.exists(built), "Maven writes the list; this run is not Maven's");
        assertThat(root.resolve("THIRD-PARTY.md"))
                .as("dependencies changed: look at the new licences, then copy %s", built)
                .hasSameTextualContentAs(built);
    }
}
