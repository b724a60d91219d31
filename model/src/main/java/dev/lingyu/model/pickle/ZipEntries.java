package dev.lingyu.model.pickle;

import dev.lingyu.tensor.MappedFile;
import dev.lingyu.tensor.TensorException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/// Where the entries of a zip file lie, so that they can be used in place; PyTorch never compresses them.
///
/// From PKWARE's APPNOTE.TXT 4.3: end of central directory, its zip64 form, central headers, local headers.
final class ZipEntries {
    /// The bytes of one entry.
    record Entry(long offset, long size) {}

    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int END = 0x06054b50;
    private static final int END64 = 0x06064b50;
    private static final int END64_LOCATOR = 0x07064b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int LOCAL = 0x04034b50;
    private static final long IN_ZIP64 = 0xffffffffL;

    private final MemorySegment bytes;

    private ZipEntries(MemorySegment bytes) {
        this.bytes = bytes;
    }

    /// Whether a file starts like a zip file.
    static boolean isZip(MappedFile file) {
        return file.size() >= 4 && file.bytes().get(U32, 0) == LOCAL;
    }

    /// The entries by name.
    ///
    /// @throws TensorException saying what is wrong, as the second half of a sentence
    static Map<String, Entry> of(MappedFile file) {
        try {
            return new ZipEntries(file.bytes()).read();
        } catch (IndexOutOfBoundsException e) {
            throw new TensorException("it is cut off or its zip directory points outside of it", e);
        }
    }

    private Map<String, Entry> read() {
        long end = findEnd();
        long count = u16(end + 10);
        long at = u32(end + 16);
        if (end >= 20 && bytes.get(U32, end - 20) == END64_LOCATOR) {
            long end64 = bytes.get(U64, end - 12);
            expect(end64, END64);
            count = bytes.get(U64, end64 + 32);
            at = bytes.get(U64, end64 + 48);
        }
        Map<String, Entry> entries = new LinkedHashMap<>();
        for (long i = 0; i < count; i++) {
            expect(at, CENTRAL);
            int nameLength = u16(at + 28);
            int extraLength = u16(at + 30);
            String name = new String(
                    bytes.asSlice(at + 46, nameLength).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
            if (u16(at + 10) != 0 || (u16(at + 8) & 1) != 0) {
                throw new TensorException("its entry \"" + name + "\" is compressed or encrypted");
            }
            if (entries.put(name, entry(at, name, nameLength, extraLength)) != null) {
                throw new TensorException("it has two entries \"" + name + "\"");
            }
            at += 46 + nameLength + extraLength + u16(at + 32);
        }
        return entries;
    }

    private Entry entry(long central, String name, int nameLength, int extraLength) {
        long size = u32(central + 24);
        long local = u32(central + 42);
        boolean longSize = size == IN_ZIP64;
        boolean longCompressed = u32(central + 20) == IN_ZIP64;
        boolean longLocal = local == IN_ZIP64;
        long extra = central + 46 + nameLength;
        long extraEnd = extra + extraLength;
        while (extra + 4 <= extraEnd) {
            if (u16(extra) == 1) {
                long field = extra + 4;
                if (longSize) {
                    size = bytes.get(U64, field);
                    field += 8;
                }
                field += longCompressed ? 8 : 0;
                local = longLocal ? bytes.get(U64, field) : local;
            }
            extra += 4 + u16(extra + 2);
        }
        expect(local, LOCAL);
        long offset = local + 30 + u16(local + 26) + u16(local + 28);
        if (size < 0 || size > bytes.byteSize() - offset) {
            throw new TensorException("it is cut off: its entry \"" + name + "\" has " + size + " bytes at byte "
                    + offset + ", the file only " + bytes.byteSize());
        }
        return new Entry(offset, size);
    }

    /// The end record is the last thing in the file, but for a comment of at most 65535 bytes.
    private long findEnd() {
        for (long at = bytes.byteSize() - 22; at >= Math.max(0, bytes.byteSize() - 22 - 65535); at--) {
            if (bytes.get(U32, at) == END) {
                return at;
            }
        }
        throw new TensorException("it is cut off: the directory at the end of a zip file is missing");
    }

    private void expect(long at, int signature) {
        if (bytes.get(U32, at) != signature) {
            throw new TensorException("its zip directory is damaged");
        }
    }

    private int u16(long at) {
        return bytes.get(U16, at) & 0xffff;
    }

    private long u32(long at) {
        return bytes.get(U32, at) & 0xffffffffL;
    }
}
