package dev.lingyu.model.jinja;

import java.util.Iterator;

/// Elements that can be walked once, as filters like `map` and `select` give them: no length, no index,
/// always true.
record Generator(Iterator<Object> elements) {}
