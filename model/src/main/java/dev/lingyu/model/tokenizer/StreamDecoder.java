package dev.lingyu.model.tokenizer;

/// Turns ids into text while they arrive, one by one.
///
/// All pieces joined, [#finish()] included, are what [Tokenizer#decode] gives for all ids. A piece
/// never ends inside a character, and a piece that was handed out is never taken back. The work per
/// token does not grow with the text.
///
/// ```java
/// StreamDecoder stream = tokenizer.streamDecoder(true);
/// for (int id : ids) {
///     send(stream.add(id));
/// }
/// send(stream.finish());
/// ```
///
/// One decoder serves one answer and one thread at a time.
public interface StreamDecoder {

    /// Takes the next id and gives the text that became certain with it.
    ///
    /// @param id a token id; one that the vocabulary does not have adds nothing
    /// @return text, often empty: for example after a token that holds only the first bytes of a
    ///     character
    String add(int id);

    /// Ends the text and gives what was held back; bytes that never became a character are U+FFFD.
    ///
    /// @return the rest, usually empty; afterwards the decoder is as new
    String finish();
}
