package dev.lingyu.serve;

import java.util.Optional;

/// A request that gets an error answer; the message is a sentence for the one who asked.
///
/// Statuses, `type`s and `code`s are OpenAI's, so that its clients raise the exceptions their users know.
final class ApiException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String sentence;
    private final String type;
    private final Optional<String> param;
    private final Optional<String> code;

    private ApiException(int status, String type, Optional<String> param, Optional<String> code, String message) {
        super(message);
        this.sentence = message;
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
    }

    /// 400: a field of the request is wrong.
    ///
    /// @param field as a path: `messages[0].role`
    static ApiException field(String field, String message) {
        return new ApiException(400, "invalid_request_error", Optional.of(field), Optional.empty(), message);
    }

    /// 400 with a code that clients know.
    static ApiException field(String field, String code, String message) {
        return new ApiException(400, "invalid_request_error", Optional.of(field), Optional.of(code), message);
    }

    /// A request that is wrong as a whole.
    static ApiException request(int status, String code, String message) {
        return new ApiException(status, "invalid_request_error", Optional.empty(), Optional.of(code), message);
    }

    /// 404: no such model.
    static ApiException unknownModel(String message) {
        return new ApiException(
                404, "invalid_request_error", Optional.of("model"), Optional.of("model_not_found"), message);
    }

    /// 429: too many requests wait.
    static ApiException busy(String message) {
        return new ApiException(429, "rate_limit_error", Optional.empty(), Optional.of("rate_limit_exceeded"), message);
    }

    /// 500 or 503: the server's own fault.
    static ApiException server(int status, String code, String message) {
        return new ApiException(status, "server_error", Optional.empty(), Optional.of(code), message);
    }

    int status() {
        return status;
    }

    String sentence() {
        return sentence;
    }

    String type() {
        return type;
    }

    Optional<String> param() {
        return param;
    }

    Optional<String> code() {
        return code;
    }
}
