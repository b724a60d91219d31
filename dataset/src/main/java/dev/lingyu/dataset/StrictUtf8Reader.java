package dev.lingyu.dataset;

import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/// Characters of a UTF-8 stream, with a bound on how many one row may take.
///
/// Unlike `InputStreamReader`, it hands out everything before an invalid byte and fails only then, so that
/// the error falls into the row that holds the byte.
final class StrictUtf8Reader extends Reader {
    private final InputStream in;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT);
    private final ByteBuffer bytes = ByteBuffer.allocate(1 << 13).flip();
    private final long limit;
    private long left;
    private boolean ended;

    StrictUtf8Reader(InputStream in, long limit) {
        this.in = in;
        this.limit = limit;
        this.left = limit;
    }

    /// A row is longer than the limit.
    static final class RowTooLong extends IOException {
        private static final long serialVersionUID = 1L;
    }

    /// A new row begins: it has the whole limit for itself.
    void startRow() {
        left = limit;
    }

    @Override
    public int read(char[] target, int offset, int length) throws IOException {
        if (length < 2) {
            throw new IllegalArgumentException("a pair of surrogates needs two chars of room");
        }
        if (left <= 0) {
            throw new RowTooLong();
        }
        CharBuffer out = CharBuffer.wrap(target, offset, length);
        int start = out.position();
        while (out.position() == start) {
            CoderResult result = decoder.decode(bytes, out, ended);
            if (out.position() > start) {
                break;
            }
            if (result.isError()) {
                result.throwException();
            }
            if (ended) {
                return -1;
            }
            fill();
        }
        int count = out.position() - start;
        left -= count;
        return count;
    }

    private void fill() throws IOException {
        bytes.compact();
        int count = in.read(bytes.array(), bytes.position(), bytes.remaining());
        if (count < 0) {
            ended = true;
        } else {
            bytes.position(bytes.position() + count);
        }
        bytes.flip();
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
