package dev.lingyu.dataset;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;

/// Draws examples from several datasets in the order of a [Mix].
final class Mixer<E extends Example> implements AutoCloseable {
    private final Mix mix;
    private final List<Lane<E>> lanes;
    private final List<Double> chances;
    private final Random random;
    private int turn;
    private boolean ended;

    /// One dataset with its next example at hand, so that its end is known with its last one.
    private static final class Lane<E extends Example> {
        private final Supplier<DatasetReader<E>> open;
        private final DatasetReader<E> first;
        private DatasetReader<E> current;
        private Optional<Row<E>> next = Optional.empty();
        private boolean begun;
        private boolean usedUp;

        Lane(Supplier<DatasetReader<E>> open) {
            this.open = open;
            this.first = open.get();
            this.current = first;
        }

        void prepare() {
            if (!begun) {
                begun = true;
                next = current.next();
            }
        }

        Optional<Row<E>> take() {
            Optional<Row<E>> row = next;
            next = current.next();
            usedUp |= next.isEmpty();
            return row;
        }

        void beginAgain() {
            current.close();
            current = open.get();
            next = current.next();
        }
    }

    /// @param readers opens each dataset, once more for each time it begins again
    Mixer(Mix mix, List<Supplier<DatasetReader<E>>> readers, Supplier<List<Long>> sizes) {
        this.mix = mix;
        this.random = new Random(mix.seed());
        this.lanes = new ArrayList<>();
        this.chances = mix.order() == Mix.Order.CONCAT ? List.of() : mix.chances(readers.size(), sizes);
        readers.forEach(open -> lanes.add(new Lane<>(open)));
    }

    /// The next example, or empty at the end.
    Optional<Row<E>> next() {
        if (mix.order() == Mix.Order.CONCAT) {
            return nextInSequence();
        }
        while (!ended) {
            Lane<E> lane = lanes.get(draw());
            lane.prepare();
            if (lane.next.isEmpty()) {
                if (mix.order() == Mix.Order.INTERLEAVE_ONCE) {
                    lane.usedUp = true;
                    ended = lanes.stream().allMatch(l -> l.usedUp);
                    continue;
                }
                lane.beginAgain();
            }
            Optional<Row<E>> row = lane.take();
            ended = mix.order() == Mix.Order.INTERLEAVE_UNDER
                    ? lane.usedUp
                    : lanes.stream().allMatch(l -> l.usedUp);
            return row;
        }
        return Optional.empty();
    }

    private Optional<Row<E>> nextInSequence() {
        while (turn < lanes.size()) {
            Optional<Row<E>> row = lanes.get(turn).current.next();
            if (row.isPresent()) {
                return row;
            }
            turn++;
        }
        return Optional.empty();
    }

    private int draw() {
        if (chances.isEmpty()) {
            return turn++ % lanes.size();
        }
        double point = random.nextDouble();
        for (int i = 0; i < chances.size() - 1; i++) {
            point -= chances.get(i);
            if (point < 0) {
                return i;
            }
        }
        return chances.size() - 1;
    }

    /// What reading has come to so far, one report for each dataset; what was read again is not counted again.
    List<ReadReport> reports() {
        return lanes.stream().map(lane -> lane.first.report()).toList();
    }

    @Override
    public void close() {
        ended = true;
        turn = lanes.size();
        lanes.forEach(lane -> {
            lane.current.close();
            lane.first.close();
        });
    }
}
