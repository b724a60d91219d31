package dev.lingyu.model.jinja;

import java.util.List;

/// A tuple: a list that may be a key.
record Tuple(List<Object> items) {}
