package dev.lingyu.model.tokenizer;

import java.util.Optional;

/// Which ids have text: known ones, and special ones only if they are kept.
record StreamTokens(TokenizerFile file, boolean skipSpecialTokens) {

    Optional<String> textual(int id) {
        return skipSpecialTokens && file.isSpecial(id) ? Optional.empty() : file.token(id);
    }
}
