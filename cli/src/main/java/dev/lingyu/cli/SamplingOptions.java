package dev.lingyu.cli;

import dev.lingyu.engine.DecodingMethod;
import dev.lingyu.engine.SamplingParams;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// How tokens are chosen: the options of `generate` and `chat`.
final class SamplingOptions {
    @Option(
            names = "--decoder",
            paramLabel = "NAME",
            description = "greedy, sample, contrastive or beam (default: greedy; sample where one of its settings, "
                    + "--temperature, --top-p, --top-k or --min-p, is given or --n is above 1).")
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

    @Option(names = "--beams", paramLabel = "N", defaultValue = "4", description = "Beams of --decoder beam.")
    private int beams;

    @Option(
            names = "--penalty-alpha",
            paramLabel = "A",
            defaultValue = "0.6",
            description = "Likeness penalty of --decoder contrastive.")
    private double penaltyAlpha;

    /// The settings as given.
    ///
    /// @param otherwise the decoder where neither --decoder nor a setting of sampling says which
    /// @throws dev.lingyu.engine.SamplingException naming the first setting that is out of range
    SamplingParams params(SamplingParams otherwise, int answers) {
        SamplingParams.Builder builder = otherwise.toBuilder()
                .decoder(decoder(otherwise, answers))
                .maxNewTokens(maxNewTokens)
                .repetitionPenalty(repetitionPenalty)
                .noRepeatNgram(noRepeatNgram)
                .stop(stop)
                .beams(beams)
                .penaltyAlpha(penaltyAlpha)
                .n(answers);
        Optional.ofNullable(temperature).ifPresent(builder::temperature);
        Optional.ofNullable(topP).ifPresent(builder::topP);
        Optional.ofNullable(topK).ifPresent(k -> builder.topK(k).contrastiveTopK(Math.max(1, k)));
        Optional.ofNullable(minP).ifPresent(builder::minP);
        Optional.ofNullable(seed).ifPresent(builder::seed);
        return builder.build();
    }

    private DecodingMethod decoder(SamplingParams otherwise, int answers) {
        if (decoder != null) {
            return DecodingMethod.parse(decoder);
        }
        boolean sampling = temperature != null || topP != null || topK != null || minP != null || answers > 1;
        return sampling ? DecodingMethod.SAMPLE : otherwise.decoder();
    }
}
