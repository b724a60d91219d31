package dev.lingyu.dataset;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.ZipException;

/// Reads one dataset: its files one after the other, each row to an example, a bad row by the policy.
final class DatasetReader<E extends Example> implements AutoCloseable {
    private final DatasetEntry entry;
    private final DatasetSpec spec;
    private final Class<E> shape;
    private final long limit;
    private final List<String> notices = new ArrayList<>();
    private final List<BadRow> left = new ArrayList<>();
    private final Quarantine quarantine;

    private List<Input> inputs = List.of();
    private int opened;
    private Optional<RowSource> open = Optional.empty();
    private Optional<RowDecoder> decoder = Optional.empty();
    private long rowsOfFile;
    private boolean parsed;
    private boolean begun;
    private boolean again;
    private boolean ended;
    private long taken;
    private long takenBefore;
    private long rows;
    private long examples;
    private long skipped;
    private long unusable;

    DatasetReader(DatasetEntry entry, DatasetSpec spec, Class<E> shape) {
        this.entry = entry;
        this.spec = spec;
        this.shape = shape;
        this.limit = Math.min(
                entry.samples().orElse(Long.MAX_VALUE), spec.maxSamples().orElse(Long.MAX_VALUE));
        this.quarantine = new Quarantine(spec.quarantine(), entry.name());
        notices.addAll(entry.notices());
    }

    /// The next example, or empty at the end.
    Optional<Row<E>> next() {
        if (!begun) {
            begun = true;
            inputs = Inputs.at(entry.path(), notices);
        }
        while (!ended && taken < limit) {
            if (open.isEmpty() && !openNext()) {
                endOrBeginAgain();
                continue;
            }
            Optional<Row<E>> row = step(open.orElseThrow(), inputs.get(opened - 1));
            if (row.isPresent()) {
                taken++;
                return row;
            }
        }
        closeFile();
        return Optional.empty();
    }

    private boolean openNext() {
        if (opened == inputs.size()) {
            return false;
        }
        Input input = inputs.get(opened++);
        rowsOfFile = 0;
        decoder = spec.layout().or(entry::layout).map(RowDecoder::of);
        try {
            open = Optional.of(input.rows(spec.textRows(), spec.maxRowBytes()));
            return true;
        } catch (RowFault fault) {
            throw DatasetException.inFile(input.path(), fault.reason(), fault);
        } catch (IOException failure) {
            throw unreadable(input, 1, failure);
        }
    }

    /// LLaMA-Factory draws rows again where a dataset has fewer than `num_samples`; here they come again in
    /// order.
    private void endOrBeginAgain() {
        if (examples == 0) {
            throw nothing();
        }
        // A pass that gave nothing (the files were changed meanwhile) must be the last one.
        if (entry.samples().isPresent() && taken > takenBefore) {
            takenBefore = taken;
            again = true;
            opened = 0;
        } else {
            ended = true;
        }
    }

    private DatasetException nothing() {
        if (left.isEmpty()) {
            return DatasetException.inFile(entry.path(), "there are no rows in it. Fill it, or leave it out");
        }
        BadRow first = left.getFirst();
        return DatasetException.inFile(
                entry.path(),
                "none of its " + rows + " rows can be used; the first is " + first.source() + ": " + first.reason());
    }

    /// One row forward: an example, or empty if the row gave none or the file is at its end.
    private Optional<Row<E>> step(RowSource source, Input input) {
        try {
            parsed = false;
            if (!source.advance()) {
                if (rowsOfFile == 0 && inputs.size() > 1 && !again) {
                    notices.add(input.path() + " has no rows");
                }
                closeFile();
                return Optional.empty();
            }
            parsed = true;
            count();
            Source place = new Source(input.path(), source.row());
            Example example = decode(source.value(), input);
            Optional<E> wanted = Shapes.as(example, shape);
            if (wanted.isEmpty()) {
                throw mismatch(place, example);
            }
            examples += again ? 0 : 1;
            return Optional.of(new Row<>(wanted.get(), place));
        } catch (RowFault fault) {
            leaveOut(source, input, fault);
            return Optional.empty();
        } catch (IOException failure) {
            throw unreadable(input, source.row(), failure);
        }
    }

    private void count() {
        rowsOfFile++;
        rows += again ? 0 : 1;
    }

    private Example decode(JsonNode row, Input input) throws RowFault {
        if (decoder.isEmpty()) {
            LayoutDetector.Found found = LayoutDetector.of(row);
            decoder = Optional.of(RowDecoder.of(found.layout()));
            if (!again) {
                notices.add(input.path() + ": read as " + found.words() + ", judged by its first row");
            }
        }
        return decoder.get().decode(row);
    }

    private DatasetException mismatch(Source place, Example example) {
        return DatasetException.inRow(
                place,
                Optional.empty(),
                "expected " + Example.nameOf(shape) + ", found " + Example.nameOf(example.getClass())
                        + ". Choose another dataset for this stage, or name its columns in " + DatasetInfo.FILE);
    }

    private void leaveOut(RowSource source, Input input, RowFault fault) {
        Source place = new Source(input.path(), source.row());
        boolean bad = fault.weight() == RowFault.Weight.BAD;
        if (fault.weight() == RowFault.Weight.FATAL || (bad && spec.badRows() == BadRows.FAIL)) {
            String advice = bad ? ". Fix the row, or drop it with on_bad_row: skip." : "";
            throw DatasetException.inRow(place, fault.field(), fault.getMessage() + advice, fault);
        }
        if (!parsed) {
            count();
        }
        if (again) {
            return;
        }
        skipped += bad ? 1 : 0;
        unusable += bad ? 0 : 1;
        BadRow row = new BadRow(place, fault.reason());
        if (left.size() < ReadReport.LISTED) {
            left.add(row);
        }
        quarantine.add(row, source.raw());
    }

    private static DatasetException unreadable(Input input, long row, IOException failure) {
        Source place = new Source(input.path(), Math.max(1, row));
        String problem = switch (failure) {
            case EOFException cut -> "the compressed file ends too early; it is cut off. Copy it again";
            case ZipException damaged -> "the compressed file is damaged (" + damaged.getMessage() + "). Copy it again";
            default -> "can't be read (" + failure.getMessage() + ")";
        };
        return DatasetException.inRow(place, Optional.empty(), problem, failure);
    }

    ReadReport report() {
        return new ReadReport(
                entry.name(), rows, examples, skipped, unusable, left, notices, quarantine.finishedFile());
    }

    private void closeFile() {
        if (open.isPresent()) {
            try {
                open.get().close();
            } catch (IOException harmless) {
                notices.add(entry.path() + " could not be closed (" + harmless.getMessage() + ")");
            }
            open = Optional.empty();
        }
    }

    @Override
    public void close() {
        ended = true;
        closeFile();
        quarantine.close();
    }
}
