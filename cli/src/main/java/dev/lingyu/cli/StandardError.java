package dev.lingyu.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;

/// Takes the real standard error back from the launcher.
///
/// The JVM warns about incubator modules on standard error before any code of ours runs, and no flag silences
/// it. The launcher therefore starts the JVM with a standard error that drops this one line, and keeps the
/// real one open as the file descriptor named by the property `lingyu.stderr`.
final class StandardError {

    private StandardError() {}

    /// Points `System.err` to the real standard error; does nothing where the launcher kept none.
    static void restore() {
        Integer descriptor = Integer.getInteger("lingyu.stderr");
        if (descriptor == null) {
            return;
        }
        try {
            // The public ways to a descriptor open /dev/fd/3 anew, which sockets refuse and plain files answer
            // with a
            // position of their own.
            Constructor<FileDescriptor> ofNumber = FileDescriptor.class.getDeclaredConstructor(int.class);
            ofNumber.setAccessible(true);
            FileOutputStream real = new FileOutputStream(ofNumber.newInstance(descriptor));
            System.setErr(new PrintStream(real, true, StandardCharsets.UTF_8));
        } catch (ReflectiveOperationException | RuntimeException closed) {
            // Without java.io opened to us the filtered stream stays: everything is still shown, in the right
            // order.
            return;
        }
    }
}
