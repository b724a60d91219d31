/// What this machine can do for Lingyu, and what it lacks.
///
/// In: the kernel's and the JVM's own accounts of processor, memory, disk and environment, and one small
/// computation in libtorch. Out: findings in words. Nothing here changes the machine, and no finding throws.
@NullMarked
package dev.lingyu.cli.doctor;

import org.jspecify.annotations.NullMarked;
