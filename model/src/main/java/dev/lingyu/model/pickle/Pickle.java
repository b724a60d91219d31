package dev.lingyu.model.pickle;

import dev.lingyu.tensor.TensorException;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads a pickle (protocols 0 to 5, https://docs.python.org/3/library/pickletools.html) into plain Java data.
///
/// `dict` becomes a map, `list`, `tuple` and `set` a list, `int` a Long, `str` a String, tensors a
/// [StoredTensor], and `None` the constant [#NONE]. The machine has no opcode that runs anything: what
/// [Globals] does not know is refused.
final class Pickle {
    /// Python's `None`.
    static final Object NONE = new Object();

    private static final Object MARK = new Object();

    private final ByteBuffer in;
    private final List<Object> stack = new ArrayList<>();
    private final Map<Integer, Object> memo = new HashMap<>();

    private Pickle(ByteBuffer in) {
        this.in = in.order(ByteOrder.LITTLE_ENDIAN);
    }

    /// Reads one pickle and leaves the buffer behind its end.
    ///
    /// @throws TensorException saying what is wrong with it, as the second half of a sentence
    static Object read(ByteBuffer in) {
        try {
            return new Pickle(in).run();
        } catch (BufferUnderflowException e) {
            throw new TensorException("it is cut off in the middle of its pickle", e);
        }
    }

    private Object run() {
        while (true) {
            int opcode = in.get() & 0xff;
            if (opcode == '.') {
                return pop();
            }
            step(opcode);
        }
    }

    private void step(int opcode) {
        switch (opcode) {
            case 0x80 -> in.get(); // PROTO
            case 0x95 -> in.getLong(); // FRAME
            case '(' -> stack.add(MARK);
            case '0' -> pop();
            case '1' -> popToMark();
            case '2' -> push(top());
            case 'N' -> push(NONE);
            case 0x88 -> push(true);
            case 0x89 -> push(false);
            case 'I' -> push(decimal(line()));
            case 'L' -> push(decimal(line().replace("L", "")));
            case 'J' -> push((long) in.getInt());
            case 'K' -> push((long) (in.get() & 0xff));
            case 'M' -> push((long) (in.getShort() & 0xffff));
            case 0x8a -> push(integer(in.get() & 0xff)); // LONG1
            case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
            case 'X', 'T' -> push(text(length(in.getInt() & 0xffffffffL)));
            case 0x8c, 'U' -> push(text(in.get() & 0xff));
            case 0x8d -> push(text(length(in.getLong())));
            case 'B' -> push(bytes(length(in.getInt() & 0xffffffffL)));
            case 'C' -> push(bytes(in.get() & 0xff));
            case 0x8e -> push(bytes(length(in.getLong())));
            case ')', ']', 0x8f -> push(new ArrayList<>());
            case 't', 'l', 0x91 -> push(popToMark());
            case 0x85 -> push(popLast(1));
            case 0x86 -> push(popLast(2));
            case 0x87 -> push(popLast(3));
            case '}' -> push(new LinkedHashMap<>());
            case 'd' -> {
                List<Object> items = popToMark();
                push(new LinkedHashMap<>());
                putAll(items);
            }
            case 's' -> putAll(popLast(2));
            case 'u' -> putAll(popToMark());
            case 'a' -> addAll(popLast(1));
            case 'e', 0x90 -> addAll(popToMark());
            case 'q' -> memo.put(in.get() & 0xff, top());
            case 'r' -> memo.put(in.getInt(), top());
            case 0x94 -> memo.put(memo.size(), top());
            case 'h' -> push(remembered(in.get() & 0xff));
            case 'j' -> push(remembered(in.getInt()));
            case 'c' -> push(Globals.of(line(), line()));
            case 0x93 -> {
                List<Object> names = popLast(2);
                push(Globals.of(as(String.class, names, 0), as(String.class, names, 1)));
            }
            case 'Q' -> push(Globals.storage(pop()));
            case 'R', 0x81 -> {
                List<Object> call = popLast(2);
                push(as(Globals.class, call, 0).call(as(List.class, call, 1)));
            }
            case 'b' -> build();
            default ->
                throw new TensorException("its pickle has the opcode 0x%02x at byte %d, which tensors do not need"
                        .formatted(opcode, in.position() - 1));
        }
    }

    /// BUILD sets attributes: state dicts carry `_metadata` so, which is of no use here.
    private void build() {
        pop();
        Object target = top();
        if (!(target instanceof Map || target instanceof Globals.Ignored || target instanceof StoredTensor)) {
            throw new TensorException("its pickle sets attributes of something that is no dictionary");
        }
    }

    // ---- the stack

    private void push(Object value) {
        stack.add(value);
    }

    private Object top() {
        if (stack.isEmpty() || stack.getLast() == MARK) {
            throw new TensorException("its pickle takes more than it has put");
        }
        return stack.getLast();
    }

    private Object pop() {
        Object value = top();
        stack.removeLast();
        return value;
    }

    private List<Object> popLast(int count) {
        List<Object> values = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            values.addFirst(pop());
        }
        return values;
    }

    private List<Object> popToMark() {
        int mark = stack.lastIndexOf(MARK);
        if (mark < 0) {
            throw new TensorException("its pickle takes more than it has put");
        }
        List<Object> tail = stack.subList(mark, stack.size());
        List<Object> values = new ArrayList<>(tail.subList(1, tail.size()));
        tail.clear();
        return values;
    }

    private Object remembered(int index) {
        Object value = memo.get(index);
        if (value == null) {
            throw new TensorException("its pickle asks for something that it never put");
        }
        return value;
    }

    @SuppressWarnings("unchecked")
    private void putAll(List<Object> items) {
        if (!(top() instanceof Map<?, ?> map) || items.size() % 2 != 0) {
            throw new TensorException("its pickle puts an entry into something that is no dictionary");
        }
        for (int i = 0; i < items.size(); i += 2) {
            ((Map<Object, Object>) map).put(key(items.get(i)), items.get(i + 1));
        }
    }

    @SuppressWarnings("unchecked")
    private void addAll(List<Object> items) {
        if (!(top() instanceof List<?> list)) {
            throw new TensorException("its pickle appends to something that is no list");
        }
        ((List<Object>) list).addAll(items);
    }

    /// Keys are plain values: the hash of a list that holds itself would never end.
    static Object key(Object key) {
        if (key instanceof List || key instanceof Map) {
            return System.identityHashCode(key);
        }
        return key;
    }

    // ---- values

    private int length(long length) {
        if (length < 0 || length > in.remaining()) {
            throw new BufferUnderflowException();
        }
        return (int) length;
    }

    private byte[] bytes(int length) {
        byte[] bytes = new byte[length(length)];
        in.get(bytes);
        return bytes;
    }

    private String text(int length) {
        return new String(bytes(length), StandardCharsets.UTF_8);
    }

    private String line() {
        int start = in.position();
        while (in.get() != '\n') {
            // the position moves
        }
        int end = in.position() - 1;
        byte[] bytes = new byte[end - start];
        in.get(start, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static Object decimal(String digits) {
        try {
            return switch (digits) {
                case "00" -> false;
                case "01" -> true;
                default -> Long.parseLong(digits);
            };
        } catch (NumberFormatException e) {
            throw new TensorException("its pickle has \"" + digits + "\" for a number", e);
        }
    }

    private Object integer(int length) {
        byte[] bigEndian = bytes(length);
        for (int i = 0, j = bigEndian.length - 1; i < j; i++, j--) {
            byte swap = bigEndian[i];
            bigEndian[i] = bigEndian[j];
            bigEndian[j] = swap;
        }
        BigInteger value = length == 0 ? BigInteger.ZERO : new BigInteger(bigEndian);
        return value.bitLength() < 64 ? (Object) value.longValue() : value;
    }

    /// An argument of the expected type.
    static <T> T as(Class<T> type, List<?> values, int index) {
        if (index < values.size() && type.isInstance(values.get(index))) {
            return type.cast(values.get(index));
        }
        throw new TensorException("its pickle gives the wrong arguments to what rebuilds a tensor");
    }
}
