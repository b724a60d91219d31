/// Metrics, statistics and reports.
@NullMarked
package dev.lingyu.eval;

import org.jspecify.annotations.NullMarked;
