package dev.lingyu.model.jinja;

/// The value `none`.
enum None {
    NONE
}
