package dev.lingyu.tensor;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The JSON header of a safetensors file, checked: names, types, shapes and byte ranges that exactly tile the
/// data.
///
/// Format: 8 bytes length N (little-endian), N bytes of JSON, then the tensors' bytes
/// (https://github.com/huggingface/safetensors). Offsets count from the end of the header.
///
/// @param tensors  in the order of their bytes
/// @param metadata the strings under `__metadata__`
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata) {
    /// One tensor's type, shape and byte range [begin, end).
    record Entry(DType dtype, long[] shape, long begin, long end) {}

    static final int MAX_BYTES = 100_000_000;
    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build());

    /// Reads and checks a header.
    ///
    /// @param json      the N bytes
    /// @param dataBytes how many bytes follow the header in the file
    /// @param file      for messages
    /// @throws TensorException naming the file, the tensor and what does not hold
    static SafetensorsHeader parse(byte[] json, long dataBytes, Path file) {
        JsonNode root = parseJson(json, file);
        Map<String, String> metadata = new LinkedHashMap<>();
        Map<String, Entry> found = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            if (field.getKey().equals("__metadata__")) {
                for (Map.Entry<String, JsonNode> pair : field.getValue().properties()) {
                    if (!pair.getValue().isTextual()) {
                        throw broken(file, "the metadata \"" + pair.getKey() + "\" is not a string");
                    }
                    metadata.put(pair.getKey(), pair.getValue().textValue());
                }
            } else {
                found.put(field.getKey(), entry(field.getKey(), field.getValue(), file));
            }
        }
        return new SafetensorsHeader(inFileOrder(found, dataBytes, file), metadata);
    }

    private static JsonNode parseJson(byte[] json, Path file) {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(java.nio.ByteBuffer.wrap(json))
                    .toString();
        } catch (CharacterCodingException e) {
            throw broken(file, "the header is not UTF-8");
        }
        try (JsonParser parser = JSON.createParser(text)) {
            JsonNode root = JSON.readTree(parser);
            if (root == null || !root.isObject()) {
                throw broken(file, "the header is not a JSON object");
            }
            if (parser.nextToken() != null) {
                throw broken(file, "something follows the JSON object in the header");
            }
            return root;
        } catch (IOException e) {
            throw broken(file, "the header is not valid JSON (" + firstLine(e) + ")");
        }
    }

    private static String firstLine(IOException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }

    private static Entry entry(String name, JsonNode node, Path file) {
        String type = node.path("dtype").asText("");
        DType dtype = null;
        for (DType candidate : DType.values()) {
            if (candidate.safetensorsName().equals(type)) {
                dtype = candidate;
            }
        }
        if (dtype == null) {
            throw broken(
                    file,
                    "tensor \"" + name + "\" has the dtype \"" + type
                            + "\"; readable are F64, F32, F16, BF16, I64, I32, I16, " + "I8, U8 and BOOL");
        }
        JsonNode sizes = node.path("shape");
        if (!sizes.isArray()) {
            throw broken(file, "tensor \"" + name + "\" has no shape");
        }
        long[] shape = new long[sizes.size()];
        long bytes = dtype.byteSize();
        for (int i = 0; i < shape.length; i++) {
            shape[i] = nonNegative(sizes.get(i), name, "shape", file);
            try {
                bytes = Math.multiplyExact(bytes, shape[i]);
            } catch (ArithmeticException e) {
                throw broken(file, "tensor \"" + name + "\" has an impossible shape " + sizes);
            }
        }
        JsonNode offsets = node.path("data_offsets");
        if (!offsets.isArray() || offsets.size() != 2) {
            throw broken(file, "tensor \"" + name + "\" has no data_offsets [begin, end]");
        }
        long begin = nonNegative(offsets.get(0), name, "data_offsets", file);
        long end = nonNegative(offsets.get(1), name, "data_offsets", file);
        if (end - begin != bytes) {
            throw broken(
                    file,
                    "tensor \"" + name + "\" needs " + bytes + " bytes (" + type + " " + sizes
                            + "), its data_offsets span " + (end - begin));
        }
        return new Entry(dtype, shape, begin, end);
    }

    private static long nonNegative(JsonNode node, String name, String field, Path file) {
        if (!node.isIntegralNumber() || !node.canConvertToLong() || node.longValue() < 0) {
            throw broken(
                    file,
                    "tensor \"" + name + "\" has " + node + " in its " + field + ", a whole number ≥ 0 was expected");
        }
        return node.longValue();
    }

    /// Byte ranges must follow one another from 0 to the end: no overlap, no hole, nothing behind.
    private static Map<String, Entry> inFileOrder(Map<String, Entry> found, long dataBytes, Path file) {
        List<Map.Entry<String, Entry>> order = new ArrayList<>(found.entrySet());
        order.sort(Comparator.comparingLong(
                        (Map.Entry<String, Entry> e) -> e.getValue().begin())
                .thenComparingLong(e -> e.getValue().end()));
        Map<String, Entry> tensors = new LinkedHashMap<>();
        long at = 0;
        String before = "";
        for (Map.Entry<String, Entry> e : order) {
            long begin = e.getValue().begin();
            if (begin < at) {
                throw broken(file, "the bytes of \"" + e.getKey() + "\" overlap those of \"" + before + "\"");
            }
            if (begin > at) {
                throw broken(file, (begin - at) + " bytes before \"" + e.getKey() + "\" belong to no tensor");
            }
            at = e.getValue().end();
            before = e.getKey();
            tensors.put(e.getKey(), e.getValue());
        }
        if (at > dataBytes) {
            throw new TensorException(file + " is cut off: its header promises " + at + " bytes of tensors, "
                    + dataBytes + " are there. Copy or download the file again.");
        }
        if (at < dataBytes) {
            throw broken(file, (dataBytes - at) + " bytes behind the last tensor belong to no tensor");
        }
        return Collections.unmodifiableMap(tensors);
    }

    static TensorException broken(Path file, String why) {
        return new TensorException(file + " is not a sound safetensors file: " + why + ".");
    }
}
