package dev.lingyu.model.jinja;

import java.util.List;
import java.util.Optional;

/// The variable `loop` of a running `for`.
final class Loop {
    private final List<Object> elements;
    private final int depth;
    private final Optional<Function> recursion;
    private int index;
    private Optional<List<Object>> lastChecked = Optional.empty();

    Loop(List<Object> elements, int depth, Optional<Function> recursion) {
        this.elements = elements;
        this.depth = depth;
        this.recursion = recursion;
    }

    void moveTo(int newIndex) {
        index = newIndex;
    }

    int depth() {
        return depth;
    }

    int length() {
        return elements.size();
    }

    Object call(Args args) {
        return recursion
                .orElseThrow(() -> new Fault("a loop is called that is not marked 'recursive'"))
                .call(args);
    }

    Object attribute(String name, Operators operators) {
        return switch (name) {
            case "index" -> (long) index + 1;
            case "index0" -> (long) index;
            case "revindex" -> (long) elements.size() - index;
            case "revindex0" -> (long) elements.size() - index - 1;
            case "first" -> index == 0;
            case "last" -> index == elements.size() - 1;
            case "length" -> (long) elements.size();
            case "depth" -> (long) depth + 1;
            case "depth0" -> (long) depth;
            case "previtem" -> index > 0 ? elements.get(index - 1) : new Undefined("there is no previous item");
            case "nextitem" ->
                index + 1 < elements.size() ? elements.get(index + 1) : new Undefined("there is no next item");
            case "cycle" -> new Function("cycle", this::cycle);
            case "changed" -> new Function("changed", args -> changed(args, operators));
            default -> new Undefined("'LoopContext' object has no attribute '" + name + "'");
        };
    }

    private Object cycle(Args args) {
        if (args.positional().isEmpty()) {
            throw new Fault("no items for cycling given");
        }
        return args.positional().get(index % args.positional().size());
    }

    private Object changed(Args args, Operators operators) {
        boolean same = lastChecked
                .map(last -> operators.equal(last, args.positional()))
                .orElse(false);
        lastChecked = Optional.of(args.list());
        return !same;
    }

    @Override
    public String toString() {
        return "<LoopContext " + (index + 1) + "/" + elements.size() + ">";
    }
}
