package dev.lingyu.cli.doctor;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/// The processor as `/proc/cpuinfo` describes it.
///
/// @param model         its name, empty when unknown
/// @param flags         instruction sets in the kernel's spelling, such as `avx512f`; empty when unknown
/// @param physicalCores cores with execution units of their own, 0 when unknown
record Processor(String model, Set<String> flags, int physicalCores) {

    /// Reads the text of `/proc/cpuinfo`.
    static Processor parse(String cpuinfo) {
        String model = "";
        Set<String> flags = Set.of();
        Set<String> cores = new HashSet<>();
        String socket = "0";
        for (String line : cpuinfo.lines().toList()) {
            int colon = line.indexOf(':');
            if (colon < 0) {
                continue;
            }
            String value = line.substring(colon + 1).strip();
            switch (line.substring(0, colon).strip()) {
                case "model name" -> model = value;
                case "flags", "Features" -> flags = new HashSet<>(Arrays.asList(value.split("\\s+")));
                case "physical id" -> socket = value;
                case "core id" -> cores.add(socket + "/" + value);
                default -> {}
            }
        }
        return new Processor(model, flags, cores.size());
    }

    /// What the instruction sets mean for training and decoding.
    Finding finding(int usable) {
        String name = (model.isEmpty() ? "processor" : model) + ", " + usable + (usable == 1 ? " core" : " cores")
                + " usable"
                + (physicalCores > 0 ? " (" + physicalCores + " physical on the machine)" : "");
        if (flags.isEmpty()) {
            return Finding.ok(name + "; its instruction sets are not listed by this system.");
        }
        if (flags.contains("amx_bf16")) {
            return Finding.ok(name + "; AMX with bf16: bf16 is by far the fastest type here.");
        }
        if (flags.contains("avx512_bf16")) {
            return Finding.ok(name + "; AVX-512 with bf16: bf16 is the fastest type here.");
        }
        if (flags.contains("avx512f")) {
            return Finding.ok(name + "; AVX-512 without bf16: f32 is the fastest type here, bf16 only saves memory.");
        }
        if (flags.contains("avx2")) {
            return Finding.ok(name + "; AVX2: f32 is the fastest type here, bf16 only saves memory.");
        }
        return Finding.warning(name
                + "; neither AVX2 nor AVX-512: everything works, many times slower than on a processor of the last ten "
                + "years.");
    }
}
