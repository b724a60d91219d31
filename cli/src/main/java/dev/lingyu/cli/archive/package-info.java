/// The offline archive: everything Lingyu needs to run, in one file.
///
/// In: a built source tree and the JDK that runs this. Out: a `.tar.gz` with a Java runtime, the jars with
/// their native libraries and the launcher; equal inputs give an equal archive, and no half-written file is
/// ever left under its name.
@NullMarked
package dev.lingyu.cli.archive;

import org.jspecify.annotations.NullMarked;
