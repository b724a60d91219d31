package dev.lingyu.data.sample;

import java.util.List;

/// General Chinese that has nothing to do with the store: what a model knew before it was specialised, and may
/// forget meanwhile.
///
/// @param texts     short pieces of prose, for perplexity; written for this test
/// @param questions things that everybody knows
public record GeneralChinese(List<String> texts, List<TestRow> questions) {

    /// Reads the bundled texts and questions.
    ///
    /// @throws SampleDomainException if the bundled file is missing or malformed: a broken build
    public static GeneralChinese bundled() {
        return Catalogue.general();
    }
}
