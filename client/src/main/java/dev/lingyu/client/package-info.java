/// Calls to other people's OpenAI endpoints (self-instruct, judge, document QA).
///
/// The room is reserved: nothing calls out yet.
@NullMarked
package dev.lingyu.client;

import org.jspecify.annotations.NullMarked;
