package dev.lingyu.model.adapter;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.pickle.TorchFile;
import dev.lingyu.tensor.SafetensorsFile;
import dev.lingyu.tensor.SafetensorsWriter;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;

/// The weights of a PEFT directory: `adapter_model.safetensors`, or the `adapter_model.bin` of older
/// versions.
public final class AdapterFiles {
    /// What stands before a module's name in these files.
    public static final String PREFIX = "base_model.model.";

    /// The weights' file as it is written.
    public static final String WEIGHTS = "adapter_model.safetensors";

    private static final String PICKLED = "adapter_model.bin";
    private static final ObjectMapper JSON = new ObjectMapper();

    // Programs that save a state dict as it is in memory leave the adapter's name inside; PEFT takes it out.
    private static final Pattern ADAPTER_NAME = Pattern.compile(
            "(\\.(?:lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector|ia3_l|modules_to_save))\\.default(?=\\.|$)");

    private AdapterFiles() {}

    /// The tensors of a directory by module and kind, such as
    /// `model.layers.0.self_attn.q_proj.lora_A.weight`; views of the mapped file where the format allows.
    ///
    /// @throws AdapterException when it holds none
    public static Map<String, Tensor> read(Path directory) {
        Path safetensors = directory.resolve(WEIGHTS);
        if (Files.isRegularFile(safetensors)) {
            SafetensorsFile file = SafetensorsFile.open(safetensors);
            return byModule(file.names(), file::tensor);
        }
        Path pickled = directory.resolve(PICKLED);
        if (Files.isRegularFile(pickled)) {
            TorchFile file = TorchFile.open(pickled);
            return byModule(file.names(), file::tensor);
        }
        throw new AdapterException(
                directory + " holds no adapter weights: expected " + WEIGHTS + " or " + PICKLED + ".");
    }

    private static Map<String, Tensor> byModule(Set<String> names, Function<String, Tensor> tensor) {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (String name : names) {
            if (!name.contains(".original_module.")) {
                tensors.put(plain(name), tensor.apply(name));
            }
        }
        return tensors;
    }

    private static String plain(String stored) {
        String name = stored.startsWith(PREFIX) ? stored.substring(PREFIX.length()) : stored;
        return ADAPTER_NAME
                .matcher(name)
                .replaceAll("$1")
                .replace(".modules_to_save.", ".")
                .replaceFirst("lora_magnitude_vector\\.weight$", "lora_magnitude_vector");
    }

    /// Writes an adapter, each file whole or not at all.
    ///
    /// @param tensors by the names that the file is to hold
    public static void write(Path directory, ObjectNode config, Map<String, Tensor> tensors) throws IOException {
        Files.createDirectories(directory);
        SafetensorsWriter.write(directory.resolve(WEIGHTS), tensors, Map.of("format", "pt"));
        Path temporary = directory.resolve(AdapterConfig.FILE + ".tmp");
        Files.write(temporary, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(config));
        Files.move(
                temporary,
                directory.resolve(AdapterConfig.FILE),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }
}
