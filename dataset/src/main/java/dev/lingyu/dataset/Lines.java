package dev.lingyu.dataset;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Lines of bytes, ended by a line feed, that never hold more than a limit in memory.
final class Lines {
    private final InputStream in;
    private final int limit;
    private final byte[] buffer = new byte[1 << 16];
    private int from;
    private int to;
    private byte[] line = new byte[1 << 12];
    private int length;
    private boolean tooLong;
    private long number;

    Lines(InputStream in, int limit) {
        this.in = in;
        this.limit = limit;
    }

    /// Reads the next line; what is beyond the limit is passed over.
    ///
    /// @return false at the end
    boolean next() throws IOException {
        length = 0;
        tooLong = false;
        boolean any = false;
        while (true) {
            if (from == to && !fill()) {
                if (any) {
                    number++;
                }
                return any;
            }
            any = true;
            int end = from;
            while (end < to && buffer[end] != '\n') {
                end++;
            }
            append(end);
            boolean ended = end < to;
            from = ended ? end + 1 : end;
            if (ended) {
                number++;
                return true;
            }
        }
    }

    private boolean fill() throws IOException {
        from = 0;
        to = Math.max(0, in.read(buffer));
        return to > 0;
    }

    private void append(int end) {
        int count = end - from;
        if (tooLong || length + (long) count > limit) {
            tooLong = true;
            return;
        }
        if (length + count > line.length) {
            line = Arrays.copyOf(line, Math.max(length + count, (int) Math.min(limit, 2L * line.length)));
        }
        System.arraycopy(buffer, from, line, length, count);
        length += count;
    }

    /// The number of the current line, from 1; in a read that failed, of the last whole one.
    long number() {
        return number;
    }

    boolean tooLong() {
        return tooLong;
    }

    /// The current line without a carriage return at its end.
    ///
    /// @throws CharacterCodingException if it is not valid UTF-8
    String text() throws CharacterCodingException {
        return StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
                .decode(ByteBuffer.wrap(line, 0, withoutReturn()))
                .toString();
    }

    /// The current line with every invalid byte replaced, to show to people.
    String lossyText() {
        return new String(line, 0, withoutReturn(), StandardCharsets.UTF_8);
    }

    private int withoutReturn() {
        return length > 0 && line[length - 1] == '\r' ? length - 1 : length;
    }
}
