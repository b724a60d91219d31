package dev.lingyu.cli;

import dev.lingyu.engine.DecoderChoice;
import dev.lingyu.engine.DecodingMethod;
import dev.lingyu.engine.EarlyStopping;
import dev.lingyu.engine.EngineOptions;
import dev.lingyu.engine.SamplingParams;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How tokens are chosen: the options of `generate` and `chat`.
final class SamplingOptions {
    @Option(
            names = "--decoder",
            paramLabel = "NAME",
            description = "greedy, sample, contrastive or beam (default: the one whose settings are given, sample "
                    + "where --n is above 1, else greedy; chat samples).")
    private @Nullable String decoder;

    @Option(
            names = {"--max-new-tokens", "--max-tokens"},
            paramLabel = "N",
            defaultValue = "512",
            description = "The longest answer [tokens] (default: ${DEFAULT-VALUE}).")
    private int maxNewTokens;

    @Option(names = "--temperature", paramLabel = "T", description = "Scores are divided by it before a draw.")
    private @Nullable Double temperature;

    @Option(names = "--top-p", paramLabel = "P", description = "Draw from the best tokens of that total probability.")
    private @Nullable Double topP;

    @Option(names = "--top-k", paramLabel = "K", description = "Draw from the K best tokens.")
    private @Nullable Integer topK;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Draw from tokens at least P times as probable as the best.")
    private @Nullable Double minP;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "R",
            defaultValue = "1",
            description = "Above 1: what stands already becomes less probable.")
    private double repetitionPenalty;

    @Option(
            names = "--no-repeat-ngram",
            paramLabel = "N",
            defaultValue = "0",
            description = "No run of N tokens twice.")
    private int noRepeatNgram;

    @Option(names = "--seed", paramLabel = "S", description = "The same seed gives the same text again.")
    private @Nullable Long seed;

    @Option(names = "--stop", paramLabel = "TEXT", description = "Ends the answer; may be given several times.")
    private List<String> stop = List.of();

    @Option(
            names = {"--num-beams", "--beams"},
            paramLabel = "N",
            description = "Sequences that --decoder beam follows at once, 1 to 64 (default: 4).")
    private @Nullable Integer beams;

    @Option(
            names = "--length-penalty",
            paramLabel = "L",
            description = "--decoder beam divides an answer's log-probability by its tokens ^ L (default: 1).")
    private @Nullable Double lengthPenalty;

    @Option(
            names = "--early-stopping",
            paramLabel = "WHEN",
            description =
                    "When --decoder beam ends: true as soon as it has as many answers as beams, never only when no "
                            + "other can be better, false in between (default: false).")
    private @Nullable String earlyStopping;

    @Option(
            names = "--penalty-alpha",
            paramLabel = "A",
            description =
                    "How much --decoder contrastive avoids what is like what stands already, 0 to 1 (default: 0.6); "
                            + "it chooses among --top-k tokens (default: 4).")
    private @Nullable Double penaltyAlpha;

    @Option(
            names = "--batch-invariant",
            description = "Fixed row tiles: in 16 bits, too, what a row gets does not depend on the rest of the batch. "
                    + "Slower.")
    private boolean batchInvariant;

    /// The engine's options with what was asked for here.
    EngineOptions engine(EngineOptions options) {
        return options.withBatchInvariant(batchInvariant);
    }

    /// The settings as given.
    ///
    /// @param otherwise the decoder where no option says which
    /// @throws dev.lingyu.engine.SamplingException naming the first setting that is out of range, or belongs to
    ///     another decoder
    SamplingParams params(SamplingParams otherwise, int answers) {
        DecodingMethod method = DecoderChoice.of(
                Optional.ofNullable(decoder),
                owned(),
                draws() || answers > 1 ? DecodingMethod.SAMPLE : otherwise.decoder(),
                name -> "--" + name.replace('_', '-'));
        refuseDrawing(method);
        SamplingParams.Builder builder = otherwise.toBuilder()
                .decoder(method)
                .maxNewTokens(maxNewTokens)
                .repetitionPenalty(repetitionPenalty)
                .noRepeatNgram(noRepeatNgram)
                .stop(stop)
                .n(answers);
        Optional.ofNullable(temperature).ifPresent(builder::temperature);
        Optional.ofNullable(topP).ifPresent(builder::topP);
        if (method == DecodingMethod.CONTRASTIVE) {
            Optional.ofNullable(topK).ifPresent(builder::contrastiveTopK);
        } else {
            Optional.ofNullable(topK).ifPresent(builder::topK);
        }
        Optional.ofNullable(minP).ifPresent(builder::minP);
        Optional.ofNullable(seed).ifPresent(builder::seed);
        Optional.ofNullable(beams).ifPresent(builder::beams);
        Optional.ofNullable(lengthPenalty).ifPresent(builder::lengthPenalty);
        Optional.ofNullable(earlyStopping).map(EarlyStopping::parse).ifPresent(builder::earlyStopping);
        Optional.ofNullable(penaltyAlpha).ifPresent(builder::penaltyAlpha);
        return builder.build();
    }

    private boolean draws() {
        return temperature != null || topP != null || topK != null || minP != null;
    }

    /// The settings that say which decoder is meant.
    private Set<String> owned() {
        Map<String, Optional<?>> settings = Map.of(
                "num_beams", Optional.ofNullable(beams),
                "length_penalty", Optional.ofNullable(lengthPenalty),
                "early_stopping", Optional.ofNullable(earlyStopping),
                "penalty_alpha", Optional.ofNullable(penaltyAlpha));
        return settings.entrySet().stream()
                .filter(setting -> setting.getValue().isPresent())
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    private void refuseDrawing(DecodingMethod method) {
        boolean beam = method == DecodingMethod.BEAM;
        if (!beam && method != DecodingMethod.CONTRASTIVE) {
            return;
        }
        if (temperature != null || topP != null || minP != null || seed != null || (beam && topK != null)) {
            throw new CliException("--decoder " + method.label() + " draws nothing at random: --temperature, --top-p, "
                    + (beam ? "--top-k, " : "") + "--min-p and --seed have no effect with it; leave them out.");
        }
    }
}
