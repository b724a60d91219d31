package dev.lingyu.cli;

import dev.lingyu.cli.doctor.Checkup;
import dev.lingyu.cli.doctor.Finding;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `lingyu doctor`: what this machine can do and what is missing, in words. Ends with 0 also when something
/// is missing: the examination went well even if the patient is not.
@Command(name = "doctor", description = "Says what this machine can do, and what is missing.")
final class DoctorCommand implements Callable<Integer> {

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        out.println("Lingyu " + Version.number());
        List<Finding> findings = new Checkup(System.getenv()).findings();
        for (Finding finding : findings) {
            String mark = switch (finding.level()) {
                case OK -> "ok       ";
                case WARNING -> "warning  ";
                case MISSING -> "MISSING  ";
            };
            out.println(mark + finding.words());
        }
        long missing = count(findings, Finding.Level.MISSING);
        long warnings = count(findings, Finding.Level.WARNING);
        if (missing > 0) {
            out.println("This machine lacks something Lingyu needs: see MISSING above.");
        } else if (warnings > 0) {
            out.println("This machine can train and serve; warnings to look at: " + warnings + ".");
        } else {
            out.println("This machine can train and serve.");
        }
        return 0;
    }

    private static long count(List<Finding> findings, Finding.Level level) {
        return findings.stream().filter(finding -> finding.level() == level).count();
    }
}
