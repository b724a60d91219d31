/// The OpenAI-compatible HTTP API and the chat page.
///
/// In: HTTP requests on virtual threads. Out: answers from one engine thread per model, as JSON or server-sent
/// events.
@NullMarked
package dev.lingyu.serve;

import org.jspecify.annotations.NullMarked;
