package dev.lingyu.examples;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lingyu.data.sample.SampleDomain;
import dev.lingyu.data.sample.Size;
import dev.lingyu.data.sample.TestRow;
import dev.lingyu.engine.Engine;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.engine.GenerationRequest;
import dev.lingyu.engine.SamplingParams;
import dev.lingyu.model.ChatMessage;
import dev.lingyu.model.LanguageModel;
import dev.lingyu.model.tokenizer.BpeSettings;
import dev.lingyu.model.tokenizer.BpeTrainer;
import dev.lingyu.train.TrainConfig;
import dev.lingyu.train.Trainer;
import dev.lingyu.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/// From texts to an answer, in one program: data, tokenizer, post-training, fine-tuning, generation.
///
/// The model is small and trained for a short time, so that the way is seen, not the best answer; `lingyu
/// quickstart` goes the same way for longer.
public final class TrainAndGenerate {
    private static final ObjectMapper JSON = new ObjectMapper();

    private TrainAndGenerate() {}

    /// @param args the directory to work in; `example-run` by default
    public static void main(String[] args) throws IOException {
        Path work = Path.of(args.length > 0 ? args[0] : "example-run");

        // 1. Data. The sample domain is an invented store: texts about its products, dialogues, and test questions.
        //    Your own domain would be files like those it writes: corpus.jsonl holds {"text": …} rows, sft.json
        //    {"instruction": …, "output": …} rows.
        SampleDomain domain = SampleDomain.create(Size.SMALL, SampleDomain.DEFAULT_SEED);
        domain.write(work.resolve("domain"));

        // 2. A tokenizer. Byte-level BPE learns which bytes often stand together, so it can spell any text; the
        //    template's role names are added, for they occur in every conversation.
        trainTokenizer(domain, work.resolve("tokenizer"));

        // 3. Post-training (pt): a model with fresh weights learns the texts, with loss on every token.
        train(postTraining(work));

        // 4. Supervised fine-tuning (sft): the same model learns to answer, with loss on the answers only.
        train(fineTuning(work));

        // 5. The result is a Hugging Face directory like any other. Ask it something in words it never saw.
        ask(work.resolve("sft"), domain.heldOutPhrasings().getFirst());
    }

    private static void trainTokenizer(SampleDomain domain, Path directory) {
        BpeTrainer trainer = new BpeTrainer(BpeSettings.bloom(2000));
        domain.corpus().forEach(trainer::add);
        domain.sft().forEach(row -> {
            trainer.add("User: " + row.instruction() + row.input() + "\n\nBot: ");
            trainer.add(row.output());
        });
        trainer.train(size -> {}).save(directory);
    }

    /// The fields are those of a YAML file for `lingyu train`; docs/reference/train-config.md lists them.
    private static TrainConfig postTraining(Path work) {
        ObjectNode fields = JSON.createObjectNode();
        fields.put("stage", "pt");
        // The shape of the fresh model, as a config.json names it. vocab_size comes from the tokenizer.
        fields.putObject("model_config")
                .put("model_type", "bloom")
                .put("hidden_size", 128)
                .put("n_layer", 2)
                .put("n_head", 4)
                .put("seq_length", 256);
        fields.put("tokenizer_name_or_path", work.resolve("tokenizer").toString());
        fields.put("dataset", work.resolve("domain").resolve("corpus.jsonl").toString());
        fields.put("output_dir", work.resolve("pt").toString());
        fields.put("cutoff_len", 128);
        fields.put("per_device_train_batch_size", 16);
        fields.put("num_train_epochs", 2);
        fields.put("learning_rate", 2e-3);
        fields.put("lr_scheduler_type", "cosine");
        fields.put("warmup_ratio", 0.05);
        return TrainConfig.of("post-training", fields);
    }

    private static TrainConfig fineTuning(Path work) {
        ObjectNode fields = JSON.createObjectNode();
        fields.put("stage", "sft");
        fields.put("model_name_or_path", work.resolve("pt").toString());
        // The template is saved with the model, so that whoever serves it asks as it was taught.
        fields.put("template", "user-bot");
        fields.put("dataset", work.resolve("domain").resolve("sft.json").toString());
        fields.put("output_dir", work.resolve("sft").toString());
        fields.put("cutoff_len", 256);
        fields.put("per_device_train_batch_size", 32);
        fields.put("num_train_epochs", 2);
        fields.put("learning_rate", 2e-3);
        fields.put("lr_scheduler_type", "cosine");
        fields.put("warmup_ratio", 0.05);
        return TrainConfig.of("fine-tuning", fields);
    }

    private static void train(TrainConfig config) throws IOException {
        Path output = config.output().directory();
        if (Trainer.isFinished(output)) {
            System.out.println(output + " is finished already; remove it to train again.");
            return;
        }
        // A run that was killed goes on from its last checkpoint: nothing has to be done for that here.
        Trainer.Result result = new Trainer(config, new Printing()).run();
        System.out.printf("%s: %d steps, last loss %.3f%n", output, result.steps(), result.lastLoss());
    }

    /// Hears how a run goes on; all methods are optional.
    private static final class Printing implements TrainingListener {
        @Override
        public void notice(String sentence) {
            System.out.println(sentence);
        }

        @Override
        public void step(StepReport report) {
            if (report.step() % 20 == 0) {
                System.out.printf("  step %d of %d: loss %.3f%n", report.step(), report.totalSteps(), report.loss());
            }
        }
    }

    private static void ask(Path directory, TestRow question) {
        // A model is native memory and an engine is a thread: both are closed, the engine first.
        try (LanguageModel model = LanguageModel.open(directory, LanguageModel.Options.inference());
                Engine engine = Engine.start(model, EngineOptions.defaults())) {
            // The encoder puts the question into the template and turns it into exactly the ids of training.
            int[] prompt = model.chatEncoder().prompt(List.of(ChatMessage.of("user", question.question())));
            SamplingParams greedy =
                    SamplingParams.greedy().toBuilder().maxNewTokens(64).build();
            String answer = engine.generate(new GenerationRequest(prompt, greedy))
                    .choices()
                    .getFirst()
                    .text();
            System.out.println("Question:  " + question.question());
            System.out.println("Answer:    " + answer.strip());
            System.out.println("Reference: " + question.answer());
        }
    }
}
