/// Metrics, statistics and reports.
///
/// In: a model behind an engine, questions with references. Out: answers that were checked, shares with their
/// intervals, pages to read. Invariant: no figure without its sample size.
@NullMarked
package dev.lingyu.eval;

import org.jspecify.annotations.NullMarked;
