package dev.lingyu.model.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/// One tokenizer of the native library behind DJL.
///
/// It talks to the JNI methods instead of DJL's `HuggingFaceTokenizer`: that class truncates at 512
/// tokens unless told otherwise, reports its first use over the network unless switched off,
/// applies `tokenizer_config.json` a second time, and fetches eight arrays per text where one is
/// wanted.
///
/// Encoding and decoding may run in many threads at once; the lock only keeps [#close()] from
/// freeing what is in use.
final class NativeTokenizer implements AutoCloseable {

    private static final TokenizersLibrary LIBRARY = load();

    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private final String where;
    private long handle;

    private NativeTokenizer(long handle, String where) {
        this.handle = handle;
        this.where = where;
    }

    /// Builds a tokenizer, without truncation and padding whatever the file says.
    ///
    /// @param json the content of a `tokenizer.json`
    /// @param where the name of the file, for messages
    static NativeTokenizer create(String json, String where) {
        long handle;
        try {
            handle = LIBRARY.createTokenizerFromString(json);
        } catch (RuntimeException e) {
            throw new TokenizerException(
                    "The tokenizer library can't use %s: %s; take the file again from the model's source."
                            .formatted(where, oneLine(e.getMessage())),
                    e);
        }
        LIBRARY.disableTruncation(handle);
        LIBRARY.disablePadding(handle);
        return new NativeTokenizer(handle, where);
    }

    int[] encode(String text, boolean addSpecialTokens) {
        return encoded(text, addSpecialTokens, encoding -> toInts(LIBRARY.getTokenIds(encoding)));
    }

    /// Offsets are still code points here; a special token that was added has a `null` span.
    Spans encodeWithSpans(String text) {
        return encoded(
                text,
                false,
                encoding -> new Spans(toInts(LIBRARY.getTokenIds(encoding)), LIBRARY.getTokenCharSpans(encoding)));
    }

    /// Ids with the number of the word that each belongs to.
    Words encodeWithWords(String text) {
        return encoded(
                text,
                false,
                encoding -> new Words(toInts(LIBRARY.getTokenIds(encoding)), LIBRARY.getWordIds(encoding)));
    }

    PairEncoding encodePair(String first, String second) {
        return using(tokenizer -> {
            long encoding = LIBRARY.encodeDual(tokenizer, wellFormed(first), wellFormed(second), true);
            try {
                return new PairEncoding(toInts(LIBRARY.getTokenIds(encoding)), toInts(LIBRARY.getTypeIds(encoding)));
            } finally {
                LIBRARY.deleteEncoding(encoding);
            }
        });
    }

    String decode(long[] ids, boolean skipSpecialTokens) {
        return using(tokenizer -> LIBRARY.decode(tokenizer, ids, skipSpecialTokens));
    }

    @Override
    public void close() {
        Lock exclusive = lock.writeLock();
        exclusive.lock();
        try {
            if (handle != 0) {
                LIBRARY.deleteTokenizer(handle);
                handle = 0;
            }
        } finally {
            exclusive.unlock();
        }
    }

    private <T> T encoded(String text, boolean addSpecialTokens, LongFunction<T> read) {
        return using(tokenizer -> {
            long encoding = LIBRARY.encode(tokenizer, wellFormed(text), addSpecialTokens);
            try {
                return read.apply(encoding);
            } finally {
                LIBRARY.deleteEncoding(encoding);
            }
        });
    }

    private <T> T using(LongFunction<T> call) {
        Lock shared = lock.readLock();
        shared.lock();
        try {
            if (handle == 0) {
                throw new IllegalStateException("This tokenizer was closed; open the model directory again.");
            }
            return callNative(call);
        } finally {
            shared.unlock();
        }
    }

    private <T> T callNative(LongFunction<T> call) {
        try {
            return call.apply(handle);
        } catch (RuntimeException e) {
            throw new TokenizerException(
                    "The tokenizer of %s failed: %s; its file contradicts itself, take it again from the model's source."
                            .formatted(where, oneLine(e.getMessage())),
                    e);
        }
    }

    /// A lone surrogate is no character and has no UTF-8 form; U+FFFD keeps every other offset
    /// where it was.
    private static String wellFormed(String text) {
        StringBuilder copy = null;
        int length = text.length();
        for (int i = 0; i < length; i++) {
            char unit = text.charAt(i);
            if (!Character.isSurrogate(unit)) {
                continue;
            }
            if (Character.isHighSurrogate(unit) && i + 1 < length && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            if (copy == null) {
                copy = new StringBuilder(text);
            }
            copy.setCharAt(i, '\uFFFD');
        }
        return copy == null ? text : copy.toString();
    }

    private static int[] toInts(long[] values) {
        int[] ints = new int[values.length];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = Math.toIntExact(values[i]);
        }
        return ints;
    }

    private static String oneLine(@Nullable String message) {
        return message == null ? "no reason given" : message.strip().replaceAll("\\s+", " ");
    }

    /// Both properties must stand before the library's classes load: no network, and no search for
    /// CUDA's library.
    private static TokenizersLibrary load() {
        System.getProperties().putIfAbsent("ai.djl.offline", "true");
        System.getProperties().putIfAbsent("RUST_FLAVOR", "cpu");
        try {
            LibUtils.checkStatus();
        } catch (EngineException e) {
            throw new TokenizerException(
                    "The native tokenizer library can't be loaded on this machine: %s; it exists for Linux and macOS on x86-64 and ARM and for Windows on x86-64."
                            .formatted(oneLine(e.getMessage())),
                    e);
        }
        return TokenizersLibrary.LIB;
    }

    /// Ids and the words they belong to.
    record Words(int[] ids, long[] words) {}

    /// Ids and the code points they cover.
    record Spans(int[] ids, @Nullable CharSpan[] spans) {}
}
