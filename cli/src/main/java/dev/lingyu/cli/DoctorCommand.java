package dev.lingyu.cli;

import java.io.PrintWriter;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/// `lingyu doctor`: what this machine can do and what is missing, in words.
@Command(name = "doctor", description = "Says what this machine can do, and what is missing.")
final class DoctorCommand implements Callable<Integer> {

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        PrintWriter out = Objects.requireNonNull(spec).commandLine().getOut();
        out.println("Java " + Runtime.version());
        return 0;
    }
}
