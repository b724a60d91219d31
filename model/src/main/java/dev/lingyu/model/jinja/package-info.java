/// The part of Jinja that chat templates of Hugging Face models use.
///
/// In: template text and variables (strings, numbers, booleans, lists, maps). Out: the rendered text and
/// the places of its `{% generation %}` blocks, character for character as `transformers` renders them with
/// jinja2 (blocks trimmed, values printed as Python prints them). Invariant: a template is foreign code. It
/// sees only plain values, can change none of them, and every run ends within the bounds of
/// [dev.lingyu.model.jinja.Budget] with text or with a [dev.lingyu.model.jinja.TemplateException].
@NullMarked
package dev.lingyu.model.jinja;

import org.jspecify.annotations.NullMarked;
