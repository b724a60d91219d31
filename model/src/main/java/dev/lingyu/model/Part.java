package dev.lingyu.model;

/// The parts of a decoder that hold weights. A family says how its files call each: `%d` stands for the layer.
public enum Part {
    TOKEN_EMBEDDING(false),
    POSITION_EMBEDDING(false),
    EMBEDDING_NORM(false),
    FINAL_NORM(false),
    HEAD(false),
    ATTENTION_NORM(true),
    QUERY(true),
    KEY(true),
    VALUE(true),
    QUERY_KEY_VALUE(true),
    QUERY_NORM(true),
    KEY_NORM(true),
    ATTENTION_OUTPUT(true),
    FEED_FORWARD_NORM(true),
    GATE(true),
    UP(true),
    GATE_UP(true),
    DOWN(true);

    private final boolean perLayer;

    Part(boolean perLayer) {
        this.perLayer = perLayer;
    }

    /// Whether every block has one.
    public boolean perLayer() {
        return perLayer;
    }
}
