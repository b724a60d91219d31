package dev.lingyu.model;

import dev.lingyu.model.BuiltInTemplate.Tools;

/// The Jinja that writes the tools on offer behind the system prompt, and an answer that calls tools, in the
/// formats that models were taught.
final class ToolText {
    private static final String FUNCTION = "{%- set function = tool.function if tool.function is defined else tool %}";
    private static final String WRAPPED =
            "{%- set wrapped = tool if tool.function is defined else {'type': 'function', 'function': tool} %}";
    private static final String CALL = "{%- set call = call.function if call.function is defined else call %}";
    private static final String ARGUMENTS = "(call.arguments if call.arguments is string else call.arguments|tojson)";

    private ToolText() {}

    static String offer(Tools format) {
        return switch (format) {
            case DEFAULT ->
                print("You have access to the following tools:\n")
                        + "{%- for tool in tools %}" + FUNCTION
                        + "{{- '> Tool Name: ' + function.name + '\\nTool Description: '"
                        + " + (function.description or '') + '\\nTool Args:\\n' }}"
                        + "{%- for name, argument in (function.parameters.properties or {}).items() %}"
                        + "{{- '  - ' + name + ' (' + (argument.type or '')|string"
                        + " + (', required' if name in (function.parameters.required or []) else '') + '): '"
                        + " + (argument.description or '')"
                        + " + (', should be one of [' + argument.enum|join(', ') + ']' if argument.enum else '')"
                        + " + (', where each item should be ' + (argument['items'].type or '')|string"
                        + " if argument['items'] is mapping and argument['items'] else '') + '\\n' }}"
                        + "{%- endfor %}{{- '\\n' }}{%- endfor %}"
                        + print("Use the following format if using a tool:\n```\nAction: tool name (one of [")
                        + "{%- for tool in tools %}" + FUNCTION
                        + "{{- (', ' if not loop.first else '') + function.name }}{%- endfor %}"
                        + print("])\nAction Input: the input to the tool, in a JSON format representing the kwargs"
                                + " (e.g. ```{\"input\": \"hello world\", \"num_beams\": 5}```)\n```\n");
            case QWEN ->
                print("\n\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
                                + "You are provided with function signatures within <tools></tools> XML tags:\n<tools>")
                        + "{%- for tool in tools %}" + WRAPPED + "{{- '\\n' + wrapped|tojson }}{%- endfor %}"
                        + print("\n</tools>\n\nFor each function call, return a json object with function name and "
                                + "arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n{\"name\": "
                                + "<function-name>, \"arguments\": <args-json-object>}\n</tool_call>");
            case GLM4 ->
                print("你是一个名为 ChatGLM 的人工智能助手。你是基于智谱 AI 公司训练的语言模型 GLM-4 模型开发的，"
                                + "你的任务是针对用户的问题和要求提供适当的答复和支持。\n\n# 可用工具")
                        + "{%- for tool in tools %}" + FUNCTION
                        + "{{- '\\n\\n## ' + function.name + '\\n\\n' + function|tojson(indent=4) }}"
                        + print("\n在调用上述函数时，请使用 Json 格式表示调用的参数。") + "{%- endfor %}";
            case LLAMA3 ->
                print("You have access to the following functions. To call a function, please respond with JSON for a "
                                + "function call. Respond in the format {\"name\": function name, \"parameters\": "
                                + "dictionary of argument name and its value}. Do not use variables.\n\n")
                        + "{%- for tool in tools %}" + WRAPPED
                        + "{{- wrapped|tojson(indent=4) + '\\n\\n' }}{%- endfor %}";
            case MISTRAL ->
                "{{- '[AVAILABLE_TOOLS] [' }}{%- for tool in tools %}" + WRAPPED
                        + "{{- (', ' if not loop.first else '') + wrapped|tojson }}{%- endfor %}"
                        + "{{- '][/AVAILABLE_TOOLS]' }}";
        };
    }

    static String calls(Tools format) {
        String each = "{%- for call in message.tool_calls %}" + CALL;
        String end = "{%- endfor %}";
        return switch (format) {
            case DEFAULT ->
                each + "{{- ('\\n' if not loop.first else '') + 'Action: ' + call.name + '\\nAction Input: ' + "
                        + ARGUMENTS + " }}" + end;
            case QWEN ->
                each + "{{- ('\\n' if not loop.first else '') + '<tool_call>\\n{\"name\": ' + call.name|tojson"
                        + " + ', \"arguments\": ' + " + ARGUMENTS + " + '}\\n</tool_call>' }}" + end;
            case GLM4 ->
                each + "{{- ('\\n' if not loop.first else '') + call.name + '\\n' + " + ARGUMENTS + " }}" + end;
            case LLAMA3 ->
                "{{- '[' if message.tool_calls|length > 1 else '' }}" + each
                        + "{{- (', ' if not loop.first else '') + '{\"name\": ' + call.name|tojson"
                        + " + ', \"parameters\": ' + " + ARGUMENTS + " + '}' }}" + end
                        + "{{- ']' if message.tool_calls|length > 1 else '' }}";
            case MISTRAL ->
                "{{- '[' }}" + each
                        + "{{- (', ' if not loop.first else '') + '{\"name\": ' + call.name|tojson"
                        + " + ', \"arguments\": ' + " + ARGUMENTS + " + '}' }}" + end + "{{- ']' }}";
        };
    }

    private static String print(String text) {
        return "{{- " + JinjaWriter.quoted(text) + " }}";
    }
}
