package dev.lingyu.data.sample;

import java.util.List;

/// One rule of the store, as a fact that can be asked and checked.
///
/// @param id          stable name
/// @param topic       退换货, 保修, 配送 …
/// @param key         what a right answer must contain
/// @param rivals      phrases that contradict a key without a unit
/// @param answer      the reference answer
/// @param texts       wordings for the corpus
/// @param heldOutText a wording used only in held-out texts
/// @param questions   training phrasings
/// @param heldOut     phrasings used only in tests
public record Policy(
        String id,
        String topic,
        String key,
        List<String> rivals,
        String answer,
        List<String> texts,
        String heldOutText,
        List<String> questions,
        List<String> heldOut) {}
