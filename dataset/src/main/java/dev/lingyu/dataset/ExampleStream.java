package dev.lingyu.dataset;

import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// The examples of some datasets in the order of their [Mix], read as they are asked for. For one thread.
///
/// Reading throws [DatasetException] at the first defect (or, with [BadRows#SKIP], at the first one that no
/// row can be skipped for: a missing or cut-off file, a JSON list that is not JSON, no usable row at all).
public final class ExampleStream<E extends Example> implements Iterator<Row<E>>, AutoCloseable {
    private final Mixer<E> mixer;
    private boolean closed;
    private Optional<Row<E>> next = Optional.empty();
    private Optional<DatasetException> failure = Optional.empty();

    ExampleStream(Mixer<E> mixer) {
        this.mixer = mixer;
    }

    @Override
    public boolean hasNext() {
        if (failure.isPresent()) {
            throw failure.get();
        }
        try {
            advance();
        } catch (DatasetException defect) {
            // Behind a defect nothing is certain: whoever asks again hears the same.
            failure = Optional.of(defect);
            throw defect;
        }
        return next.isPresent();
    }

    private void advance() {
        if (next.isEmpty() && !closed) {
            next = mixer.next();
        }
    }

    @Override
    public Row<E> next() {
        if (!hasNext()) {
            throw new NoSuchElementException("all rows are read");
        }
        Row<E> row = next.orElseThrow();
        next = Optional.empty();
        return row;
    }

    /// The rows that are left, as a sequential stream; closing it closes this.
    public Stream<Row<E>> stream() {
        Spliterator<Row<E>> rows = Spliterators.spliteratorUnknownSize(this, Spliterator.ORDERED | Spliterator.NONNULL);
        return StreamSupport.stream(rows, false).onClose(this::close);
    }

    /// What reading has come to so far, one report for each dataset.
    public List<ReadReport> reports() {
        return mixer.reports();
    }

    /// Closes the files and puts the quarantine in place.
    @Override
    public void close() {
        closed = true;
        next = Optional.empty();
        mixer.close();
    }
}
