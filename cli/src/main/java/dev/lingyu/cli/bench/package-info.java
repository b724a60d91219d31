/// `lingyu bench …`: speeds beside the limits of this machine, measured in the same run.
///
/// In: a shape or a model. Out: a few lines for a person, or with `--json` one object whose names scripts
/// rely on. Every fraction is divided by a limit of the same run, never by a constant.
@NullMarked
package dev.lingyu.cli.bench;

import org.jspecify.annotations.NullMarked;
