package dev.lingyu.model;

import dev.lingyu.tensor.Tensor;

/// A place in a model that holds a weight: the model's own, or one that an adapter put there for the time
/// being.
final class Slot {
    private final Parameter own;
    private Parameter inUse;

    Slot(Parameter own) {
        this.own = own;
        this.inUse = own;
    }

    /// The weight that computes.
    Parameter get() {
        return inUse;
    }

    /// Its value.
    Tensor value() {
        return inUse.value();
    }

    /// The model's own weight, in use or not.
    Parameter own() {
        return own;
    }

    /// Puts another weight of equal shape in place; the own one stays as it is.
    void put(Parameter other) {
        inUse = other;
    }

    /// Goes back to the model's own.
    void restore() {
        inUse = own;
    }
}
