package dev.lingyu.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Command;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void versionIsTheOneMavenBuilt() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).matches("lingyu \\d+\\.\\d+\\.\\d+(-SNAPSHOT)? \\(Java 2.*\\)\\R");
    }

    @Test
    void helpListsEveryCommand() {
        assertThat(run("--help")).isZero();
        assertThat(Commands.ALL)
                .isNotEmpty()
                .allSatisfy(command -> assertThat(out.toString())
                        .contains("  " + command.getAnnotation(Command.class).name()));
    }

    @Test
    void everyCommandHasHelp() {
        assertThat(Commands.ALL).allSatisfy(command -> {
            out.getBuffer().setLength(0);
            String name = command.getAnnotation(Command.class).name();
            assertThat(run(name, "--help")).isZero();
            assertThat(out.toString()).startsWith("Usage: lingyu " + name);
        });
    }

    @Test
    void aMistypedCommandIsRefusedInOneSentenceThatNamesTheRightOne() {
        assertThat(run("docter")).isEqualTo(2);
        assertThat(err.toString())
                .isEqualTo("lingyu: unknown command 'docter'; did you mean 'doctor'? Else see 'lingyu --help'."
                        + System.lineSeparator());
    }

    @Test
    void aWordUnlikeAnyCommandGetsNoSuggestion() {
        assertThat(run("xyzzyplugh")).isEqualTo(2);
        assertThat(err.toString()).contains("unknown command 'xyzzyplugh'; see 'lingyu --help'.");
    }

    @Test
    void aMistypedOptionIsRefusedWithTheRightOne() {
        assertThat(run("package", "--ouput", "x")).isEqualTo(2);
        assertThat(err.toString()).contains("unknown option '--ouput'").contains("did you mean '--output'?");
    }

    @Test
    void noCommandAtAllIsTheUsersMistake() {
        assertThat(run()).isEqualTo(2);
        assertThat(err.toString()).contains("lingyu --help").doesNotContain("Exception");
    }

    @Test
    void debugAnywhereShowsTheTraceAndItsAbsenceHidesIt() {
        // Outside a source tree `package` refuses: a mistake that needs no preparation.
        System.clearProperty("lingyu.home");
        assertThat(run("package")).isEqualTo(2);
        assertThat(err.toString()).contains("source tree").doesNotContain("\tat ");
        assertThat(run("package", "--debug")).isEqualTo(2);
        assertThat(err.toString()).contains("\tat dev.lingyu.cli.PackageCommand");
    }

    private int run(String... args) {
        return Main.run(new PrintWriter(out), new PrintWriter(err), args);
    }
}
