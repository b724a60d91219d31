package dev.lingyu.tensor.gguf;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Values that stand alone: a "block" of one.
final class PlainBlocks {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private PlainBlocks() {}

    static void f32(byte[] from, float[] to, int blocks) {
        for (int i = 0; i < blocks; i++) {
            to[i] = Float.intBitsToFloat((int) INT.get(from, 4 * i));
        }
    }

    static void f16(byte[] from, float[] to, int blocks) {
        for (int i = 0; i < blocks; i++) {
            to[i] = half(from, 2 * i);
        }
    }

    static void bf16(byte[] from, float[] to, int blocks) {
        for (int i = 0; i < blocks; i++) {
            to[i] = Float.intBitsToFloat((short) SHORT.get(from, 2 * i) << 16);
        }
    }

    /// The f16 number at a byte.
    static float half(byte[] from, int at) {
        return Float.float16ToFloat((short) SHORT.get(from, at));
    }

    /// The 32-bit number at a byte.
    static int word(byte[] from, int at) {
        return (int) INT.get(from, at);
    }

    /// Writes an f16 number.
    static void putHalf(byte[] to, int at, float value) {
        SHORT.set(to, at, Float.floatToFloat16(value));
    }
}
