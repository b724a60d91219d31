package dev.lingyu.dataset;

/// What to do with a row that can't be read (`on_bad_row` in a run's configuration).
public enum BadRows {
    /// Stop at the first one, with a [DatasetException] that says what is wrong with it.
    FAIL,
    /// Go on without it. It is counted, listed in the [ReadReport] and, if the spec names a folder for that,
    /// kept with its reason in `<dataset>.quarantine.jsonl`.
    SKIP
}
