package dev.lingyu.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.models.Model;
import dev.lingyu.engine.EngineOptions;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// OpenAI's own Java client, unchanged but for the address.
class OpenAiClientTest {
    private static TinyServer tiny;
    private static OpenAIClient client;

    @BeforeAll
    static void start() {
        tiny = TinyServer.start(EngineOptions.defaults(), builder -> builder.apiKey("key"));
        client = client("key");
    }

    @AfterAll
    static void stop() {
        client.close();
        tiny.close();
    }

    @Test
    void modelsAreListed() {
        List<Model> models = client.models().list().data();
        assertThat(models).hasSize(1);
        assertThat(models.getFirst().validate().id()).isEqualTo("tiny");
        assertThat(client.models().retrieve("tiny").validate().ownedBy()).isEqualTo("lingyu");
    }

    @Test
    void aChatIsAnsweredWholeAndStreamedAlike() {
        ChatCompletion whole =
                client.chat().completions().create(chat().build()).validate();
        ChatCompletion.Choice choice = whole.choices().getFirst();
        assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.LENGTH);
        assertThat(whole.usage().orElseThrow().completionTokens()).isEqualTo(20);
        assertThat(choice.logprobs().orElseThrow().content().orElseThrow()).hasSize(20);

        ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
        ChatCompletionCreateParams streamed = chat().streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(streamed)) {
            stream.stream().map(ChatCompletionChunk::validate).forEach(accumulator::accumulate);
        }
        ChatCompletion joined = accumulator.chatCompletion();
        assertThat(joined.choices().getFirst().message().content())
                .isEqualTo(choice.message().content());
        assertThat(joined.usage().orElseThrow().totalTokens())
                .isEqualTo(whole.usage().orElseThrow().totalTokens());
    }

    @Test
    void textIsContinuedWholeAndStreamedAlike() {
        CompletionCreateParams params = CompletionCreateParams.builder()
                .model("tiny")
                .prompt("电饭煲的容量")
                .temperature(0)
                .maxTokens(12)
                .logprobs(2)
                .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true))
                .build();
        Completion whole = client.completions().create(params).validate();
        assertThat(whole.choices().getFirst().logprobs().orElseThrow().tokens().orElseThrow())
                .hasSize(12);
        try (StreamResponse<Completion> stream = client.completions().createStreaming(params)) {
            String joined = stream.stream()
                    .map(chunk -> chunk.choices().getFirst().text())
                    .collect(Collectors.joining());
            assertThat(joined).isEqualTo(whole.choices().getFirst().text());
        }
    }

    @Test
    void errorsRaiseTheExceptionsThatUsersKnow() {
        assertThatThrownBy(() ->
                        client.chat().completions().create(chat().temperature(3).build()))
                .isInstanceOfSatisfying(BadRequestException.class, e -> {
                    assertThat(e.param()).contains("temperature");
                    assertThat(e.type()).contains("invalid_request_error");
                });
        assertThatThrownBy(() ->
                        client.chat().completions().create(chat().model("none").build()))
                .isInstanceOfSatisfying(
                        NotFoundException.class, e -> assertThat(e.code()).contains("model_not_found"));
        OpenAIClient stranger = client("wrong");
        assertThatThrownBy(() -> stranger.models().list()).isInstanceOf(UnauthorizedException.class);
        stranger.close();
    }

    private static ChatCompletionCreateParams.Builder chat() {
        return ChatCompletionCreateParams.builder()
                .model("tiny")
                .addSystemMessage("简短回答。")
                .addUserMessage("冰箱保修多久？")
                .temperature(0)
                .maxCompletionTokens(20)
                .logprobs(true)
                .topLogprobs(2)
                .putAdditionalBodyProperty("ignore_eos", JsonValue.from(true));
    }

    private static OpenAIClient client(String key) {
        return OpenAIOkHttpClient.builder()
                .baseUrl(tiny.server().url() + "/v1")
                .apiKey(key)
                .maxRetries(0)
                .build();
    }
}
