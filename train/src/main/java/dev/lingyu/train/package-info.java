/// Objectives, optimiser, schedules, checkpoints and run records.
///
/// In: a config, a model, datasets. Out: checkpoints and `run.json`.
/// Invariant: a run killed at any instant resumes to the same bits.
@NullMarked
package dev.lingyu.train;

import org.jspecify.annotations.NullMarked;
