/// Raw rows to examples: the layouts people use, and how one is recognised.
///
/// In: a JSON value. Out: a regular [dev.lingyu.dataset.Example], or a [dev.lingyu.dataset.layouts.RowFault]
/// that says
/// which field is wrong and how. Inside the module only.
@NullMarked
package dev.lingyu.dataset.layouts;

import org.jspecify.annotations.NullMarked;
