/// The OpenAI-compatible HTTP API and the chat page.
///
/// In: HTTP requests on virtual threads. Out: answers from one engine thread per model, as JSON or server-sent
/// events.
///
/// [Router] finds who answers, [ChatCompletions] and [TextCompletions] read a request, [Answering] runs it on the
/// engine and hands its pieces over. Invariant: a request thread never touches a tensor; it queues and waits.
@NullMarked
package dev.lingyu.serve;

import org.jspecify.annotations.NullMarked;
