package dev.lingyu.model;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/// A row of `built-in.json`: how one of LLaMA-Factory's templates writes the parts of a conversation.
///
/// In each part `{content}` stands for the text, `{bos}` and `{eos}` for the tokenizer's tokens where it has
/// them, `{token:X}` for the token X, `{round}` for the number of the question; each of the tokens, and `{+}`,
/// ends a piece that is tokenized by itself.
///
/// @param prefix        in front of everything
/// @param system        the system prompt, the tools on offer included
/// @param user          a question
/// @param opening       what follows a question or a tool's result: the answer begins behind it
/// @param answer        an answer
/// @param calls         an answer that calls tools
/// @param observation   what a tool returned
/// @param defaultSystem the system prompt of conversations that have none
/// @param stop          what ends an answer; generation stops there, the tokenizer must have these as tokens
/// @param endsWithConversation whether only the last answer gets the eos token; earlier ones end where the next
///                      question begins
/// @param systemInUser  whether the system prompt stands inside the first question
/// @param thinking      whether an answer without thoughts gets an empty block of them in front
/// @param tools         how tools and calls are written
record BuiltInTemplate(
        String name,
        String prefix,
        String system,
        String user,
        String opening,
        String answer,
        String calls,
        String observation,
        String defaultSystem,
        List<String> stop,
        boolean endsWithConversation,
        boolean systemInUser,
        boolean thinking,
        Tools tools) {

    /// How tools on offer, and calls of them, are written.
    enum Tools {
        /// `Action: …⏎Action Input: …`
        DEFAULT,
        QWEN,
        GLM4,
        LLAMA3,
        MISTRAL
    }

    /// The same template with tools in another format. As in LLaMA-Factory, an answer that calls them then ends with
    /// the eos token, or with nothing where only the last answer has one.
    BuiltInTemplate withTools(Tools format) {
        return new BuiltInTemplate(
                name,
                prefix,
                system,
                user,
                opening,
                answer,
                endsWithConversation ? "{content}" : "{content}{eos}",
                observation,
                defaultSystem,
                stop,
                endsWithConversation,
                systemInUser,
                thinking,
                format);
    }

    /// All rows, in the order of the file.
    static List<BuiltInTemplate> all() {
        String resource = "chat-templates/built-in.json";
        try (InputStream file = Objects.requireNonNull(BuiltInTemplate.class.getResourceAsStream(resource), resource)) {
            List<BuiltInTemplate> all = new ArrayList<>();
            ObjectMapper json = new ObjectMapper();
            for (JsonNode row : json.readTree(file)) {
                all.add(of(row, json));
            }
            return all;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static BuiltInTemplate of(JsonNode row, ObjectMapper json) {
        String user = row.path("user").asText("{content}");
        String answer = row.path("answer").asText("{content}{eos}");
        return new BuiltInTemplate(
                row.path("name").asText(),
                row.path("prefix").asText(""),
                row.path("system").asText("{content}"),
                user,
                row.path("opening").asText(""),
                answer,
                row.path("calls").asText(answer),
                row.path("observation").asText(user),
                row.path("default_system").asText(""),
                row.has("stop") ? json.convertValue(row.get("stop"), new TypeReference<List<String>>() {}) : List.of(),
                row.path("end").asText().equals("conversation"),
                row.path("system_in_user").asBoolean(),
                row.path("thinking").asBoolean(),
                Tools.valueOf(row.path("tools").asText("default").toUpperCase(Locale.ROOT)));
    }
}
