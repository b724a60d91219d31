package dev.lingyu.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/// `lingyu package`: writes one archive that runs with no network, no Maven and no JDK.
@Command(name = "package", description = "Writes one offline archive: JRE, jars, natives, sample domain.")
final class PackageCommand implements Callable<Integer> {

    @Override
    public Integer call() {
        throw new CommandFailedException("packaging is not there yet.");
    }
}
