/// libtorch made pleasant in Java.
///
/// In: shapes, numbers, files. Out: [dev.lingyu.tensor.Tensor]s that die when their [dev.lingyu.tensor.Scope]
/// closes. Invariant: no other module touches a native pointer, and every native tensor has exactly one
/// owner.
@NullMarked
package dev.lingyu.tensor;

import org.jspecify.annotations.NullMarked;
