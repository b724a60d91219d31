/// Programs for people who learn to use Lingyu from Java.
///
/// In: a directory to work in. Out: what they print, and models in that directory. They use public classes
/// only, and no module uses them.
@NullMarked
package dev.lingyu.examples;

import org.jspecify.annotations.NullMarked;
