package dev.lingyu.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A tokenizer, texts and conversations small enough for a test, in a directory of its own.
record Tiny(Path directory) {
    static Tiny in(Path directory) throws IOException {
        Tiny tiny = new Tiny(directory);
        List<String> texts = new ArrayList<>();
        List<String> talks = new ArrayList<>();
        ObjectMapper json = new ObjectMapper();
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(400));
        for (int i = 0; i < 60; i++) {
            String text = "星辰冰箱" + i + "号容量" + (200 + 7 * i) + "升，噪音" + (30 + i % 9) + "分贝。";
            trainer.add(text);
            trainer.add("User: 问题\n\nBot: ");
            texts.add(json.writeValueAsString(java.util.Map.of("text", text)));
            talks.add(json.writeValueAsString(java.util.Map.of(
                    "instruction", "星辰冰箱" + i + "号的容量是多少？", "input", "", "output", (200 + 7 * i) + "升。")));
        }
        trainer.train(merges -> {}).save(directory.resolve("tokenizer"));
        Files.write(directory.resolve("texts.jsonl"), texts);
        Files.write(directory.resolve("talks.jsonl"), talks);
        return tiny;
    }

    /// A run from fresh weights: `stage: pt`, 12 steps.
    ObjectNode pretraining(Path output) {
        ObjectNode run = new ObjectMapper().createObjectNode();
        run.put("stage", "pt");
        run.put("tokenizer_name_or_path", directory.resolve("tokenizer").toString());
        run.putObject("model_config")
                .put("model_type", "bloom")
                .put("hidden_size", 32)
                .put("n_layer", 2)
                .put("n_head", 4);
        run.put("dataset", directory.resolve("texts.jsonl").toString());
        run.put("output_dir", output.toString());
        run.put("cutoff_len", 32);
        run.put("per_device_train_batch_size", 4);
        run.put("gradient_accumulation_steps", 2);
        run.put("max_steps", 12);
        run.put("learning_rate", 0.01);
        run.put("warmup_ratio", 0.1);
        run.put("weight_decay", 0.01);
        run.put("save_steps", 4);
        run.put("logging_steps", 1);
        run.put("val_size", 8);
        return run;
    }

    /// A run on top of one of those: `stage: sft`.
    ObjectNode finetuning(Path base, Path output) {
        ObjectNode run = pretraining(output);
        run.remove("model_config");
        run.remove("tokenizer_name_or_path");
        run.put("stage", "sft");
        run.put("model_name_or_path", base.toString());
        run.put("dataset", directory.resolve("talks.jsonl").toString());
        run.put("cutoff_len", 64);
        return run;
    }
}
