package dev.lingyu.model.jinja;

import java.util.Map;

/// `dict.keys()`, `dict.values()` or `dict.items()`: has a length and elements, but no index.
record DictView(Kind kind, Map<Object, Object> dict) {
    enum Kind {
        KEYS("dict_keys"),
        VALUES("dict_values"),
        ITEMS("dict_items");

        private final String label;

        Kind(String label) {
            this.label = label;
        }

        /// What Python prints in front of the elements.
        String label() {
            return label;
        }
    }
}
