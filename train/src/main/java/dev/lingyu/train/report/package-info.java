/// What a run leaves for people to look at: curves (SVG), a page, TensorBoard events, a model card.
///
/// In: `trainer_log.jsonl` and `run.json`. Out: files in the run's directory. Everything can be made again from those
/// two, so nothing here is part of a run's state.
@NullMarked
package dev.lingyu.train.report;

import org.jspecify.annotations.NullMarked;
