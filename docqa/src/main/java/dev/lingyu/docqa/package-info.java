/// Document question answering with citations.
///
/// The room is reserved: nothing is answered yet.
@NullMarked
package dev.lingyu.docqa;

import org.jspecify.annotations.NullMarked;
