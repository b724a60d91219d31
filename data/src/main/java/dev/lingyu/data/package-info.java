/// Corpora to datasets.
///
/// In: business records. Out: the files that `train` and `eval` read. Today it holds the sample domain.
@NullMarked
package dev.lingyu.data;

import org.jspecify.annotations.NullMarked;
