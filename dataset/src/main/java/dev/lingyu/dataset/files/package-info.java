/// Bytes to raw rows: which files a path stands for, unpacking, UTF-8, lines and JSON lists.
///
/// In: a path. Out: one JSON value at a time with its row number, never more of the file than one row. Every
/// defect of
/// the bytes is a [dev.lingyu.dataset.layouts.RowFault] or an `IOException`. Inside the module only.
@NullMarked
package dev.lingyu.dataset.files;

import org.jspecify.annotations.NullMarked;
