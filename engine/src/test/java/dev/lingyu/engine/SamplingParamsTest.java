package dev.lingyu.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

class SamplingParamsTest {
    @Test
    void theDefaultsAreThoseDocumented() {
        SamplingParams expected = new SamplingParams(
                DecodingMethod.SAMPLE,
                1,
                0,
                1,
                0,
                1,
                1,
                0,
                0,
                0,
                List.of(),
                Map.of(),
                0,
                512,
                List.of(),
                List.of(),
                false,
                OptionalLong.empty(),
                OptionalInt.empty(),
                1,
                4,
                1,
                EarlyStopping.HEURISTIC,
                0.6,
                4);
        assertThat(SamplingParams.builder().build()).isEqualTo(expected);
    }

    @Test
    void everySettingReachesTheRecordAndComesBackFromIt() {
        SamplingParams params = SamplingParams.builder()
                .decoder(DecodingMethod.SAMPLE)
                .temperature(0.5)
                .topK(7)
                .topP(0.9)
                .minP(0.05)
                .typicalP(0.8)
                .repetitionPenalty(1.1)
                .presencePenalty(0.2)
                .frequencyPenalty(-0.3)
                .noRepeatNgram(3)
                .badWords(List.of(List.of(1, 2)))
                .logitBias(Map.of(5, -100.0))
                .minNewTokens(4)
                .maxNewTokens(40)
                .stop(List.of("。"))
                .stopTokenIds(List.of(9))
                .ignoreEos(true)
                .seed(11)
                .logprobs(5)
                .n(2)
                .beams(6)
                .lengthPenalty(0.7)
                .earlyStopping(EarlyStopping.NEVER)
                .penaltyAlpha(0.4)
                .contrastiveTopK(8)
                .build();

        assertThat(params.toBuilder().build()).isEqualTo(params);
        assertThat(params)
                .isEqualTo(new SamplingParams(
                        DecodingMethod.SAMPLE,
                        0.5,
                        7,
                        0.9,
                        0.05,
                        0.8,
                        1.1,
                        0.2,
                        -0.3,
                        3,
                        List.of(List.of(1, 2)),
                        Map.of(5, -100.0),
                        4,
                        40,
                        List.of("。"),
                        List.of(9),
                        true,
                        OptionalLong.of(11),
                        OptionalInt.of(5),
                        2,
                        6,
                        0.7,
                        EarlyStopping.NEVER,
                        0.4,
                        8));
    }

    @Test
    void aValueOutOfRangeIsNamedWithWhatIsExpected() {
        refused(b -> b.temperature(-0.5), "temperature is -0.5; expected a number from 0 to 100.");
        refused(b -> b.temperature(Double.NaN), "temperature is NaN; expected a number from 0 to 100.");
        refused(b -> b.topK(-2), "top_k is -2; expected a whole number of at least 0 (0 turns it off).");
        refused(b -> b.topP(1.5), "top_p is 1.5; expected a number from 0 to 1.");
        refused(b -> b.minP(-1), "min_p is -1; expected a number from 0 to 1.");
        refused(b -> b.typicalP(0), "typical_p is 0; expected a number above 0 and at most 1 (1 turns it off).");
        refused(b -> b.repetitionPenalty(0), "repetition_penalty is 0; expected a number above 0 and at most 100");
        refused(b -> b.presencePenalty(3), "presence_penalty is 3; expected a number from -2 to 2.");
        refused(b -> b.frequencyPenalty(-3), "frequency_penalty is -3; expected a number from -2 to 2.");
        refused(b -> b.noRepeatNgram(-1), "no_repeat_ngram_size is -1");
        refused(b -> b.badWords(List.of(List.of())), "bad_words_ids is a list that holds an empty list");
        refused(
                b -> b.logitBias(Map.of(3, 101.0)),
                "logit_bias for token 3 is 101; expected a number from -100 to 100.");
        refused(b -> b.maxNewTokens(0), "max_new_tokens is 0; expected a whole number of at least 1.");
        refused(
                b -> b.maxNewTokens(4).minNewTokens(5),
                "min_new_tokens is 5; expected a whole number from 0 to 4 (max_new_tokens).");
        refused(b -> b.stop(List.of("")), "stop is an empty text");
        refused(b -> b.stopTokenIds(List.of(-1)), "stop_token_ids is -1");
        refused(b -> b.logprobs(-1), "logprobs is -1; expected a whole number from 0 to 1000.");
        refused(b -> b.n(0), "n is 0; expected a whole number from 1 to 128.");
        refused(b -> b.beams(65), "num_beams is 65; expected a whole number from 1 to 64.");
        refused(b -> b.decoder(DecodingMethod.BEAM).n(5).beams(4), "n is 5; expected at most num_beams, which is 4");
        refused(b -> b.decoder(DecodingMethod.CONTRASTIVE).n(2), "n is 2; expected 1");
        refused(b -> b.lengthPenalty(Double.POSITIVE_INFINITY), "length_penalty is Infinity");
        refused(b -> b.penaltyAlpha(1.1), "penalty_alpha is 1.1; expected a number from 0 to 1.");
        refused(b -> b.contrastiveTopK(0), "contrastive_top_k is 0; expected a whole number of at least 1.");
    }

    @Test
    void namesOfDecodersAndOfEarlyStoppingAreReadAsUsersWriteThem() {
        for (DecodingMethod decoder : DecodingMethod.values()) {
            assertThat(DecodingMethod.parse(decoder.label())).isEqualTo(decoder);
        }
        assertThat(EarlyStopping.parse("True")).isEqualTo(EarlyStopping.AT_ONCE);
        assertThat(EarlyStopping.parse("false")).isEqualTo(EarlyStopping.HEURISTIC);
        assertThat(EarlyStopping.parse("never")).isEqualTo(EarlyStopping.NEVER);
        assertThatThrownBy(() -> DecodingMethod.parse("nucleus"))
                .isInstanceOf(SamplingException.class)
                .hasMessage("decoder is \"nucleus\"; expected greedy, sample, beam or contrastive.");
        assertThatThrownBy(() -> EarlyStopping.parse("soon")).isInstanceOf(SamplingException.class);
    }

    @Test
    void minusOneTurnsTopKOffAsInOtherServers() {
        assertThat(SamplingParams.builder().topK(-1).build().topK()).isZero();
    }

    @Test
    void listsChangedLaterDoNotChangeTheSettings() {
        List<String> stop = new ArrayList<>(List.of("a"));
        SamplingParams params = SamplingParams.builder().stop(stop).build();
        stop.add("b");

        assertThat(params.stop()).containsExactly("a");
    }

    private static void refused(UnaryOperator<SamplingParams.Builder> settings, String sentence) {
        assertThatThrownBy(() -> settings.apply(SamplingParams.builder()).build())
                .isInstanceOf(SamplingException.class)
                .hasMessageStartingWith(sentence);
    }
}
