package dev.lingyu.model;

import dev.lingyu.model.jinja.Template.Span;
import java.util.List;

/// A conversation as the text a model is trained on. `answers` are the parts that the assistant wrote, end
/// of turn included, as UTF-16 positions `[start, end)` in `text`, in order and without overlap. `cuts` are
/// the places that no token may straddle, see [ChatTemplate#inPieces].
public record RenderedChat(String text, List<Span> answers, List<Integer> cuts) {}
