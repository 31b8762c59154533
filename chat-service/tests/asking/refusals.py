"""Refusals as model servers have them, and what may be asked instead."""

import json
from typing import Any

from chat_service.providers.domain.learnt import Lesson

BODY = {
    "model": "m",
    "messages": [{"role": "user", "content": "hello"}],
    "temperature": 0.7,
    "top_p": 0.9,
    "max_tokens": 999_999,
    "stop": ["END"],
    "reasoning_effort": "minimal",
    "stream": True,
    "stream_options": {"include_usage": True},
}


def openai(message: str, param: str | None = None, code: str | None = None) -> str:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return json.dumps({"error": error})


def anthropic(message: str) -> str:
    return json.dumps(
        {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    )


def pydantic(*location: str | int, kind: str, message: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "loc": list(location), "msg": message, "input": 1, **more}


FORBIDDEN = pydantic(
    "body", "stream_options", kind="extra_forbidden", message="Extra inputs are not permitted"
)
NOT_DEFAULT = "Only the default (1) value is supported."

LASTING: list[tuple[str, int, str, Lesson]] = [
    (
        "openai: another name",
        400,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "max_tokens",
            "unsupported_parameter",
        ),
        Lesson("max_tokens", "max_completion_tokens"),
    ),
    (
        "a proxy of it that keeps the sentence alone",
        400,
        (
            '{"error":{"message":"Unsupported parameter: \'max_tokens\' is not supported with this model. '
            'Use \'max_completion_tokens\' instead.","code":"invalid_request_body"}}'
        ),
        Lesson("max_tokens", "max_completion_tokens"),
    ),
    (
        "openai: one value alone",
        400,
        openai(
            "Unsupported value: 'temperature' does not support 0.7 with this model. " + NOT_DEFAULT,
            "temperature",
            "unsupported_value",
        ),
        Lesson("temperature"),
    ),
    (
        "without param",
        400,
        (
            '{"message":"temperature does not support 0.7 with this model. Only the default (1) value is '
            'supported"}'
        ),
        Lesson("temperature"),
    ),
    (
        "openai: too large",
        400,
        openai(
            "max_tokens is too large: 999999. This model supports at most 16384 completion tokens, "
            "whereas you provided 999999.",
            "max_tokens",
            "invalid_value",
        ),
        Lesson("max_tokens", "16384"),
    ),
    (
        "openai: an unknown argument",
        400,
        openai("Unrecognized request argument supplied: reasoning_effort"),
        Lesson("reasoning_effort"),
    ),
    (
        "openai: values of an effort",
        400,
        openai(
            "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. "
            "Supported values are: 'low', 'medium', and 'high'.",
            "reasoning_effort",
            "unsupported_value",
        ),
        Lesson("reasoning_effort[minimal]", "low"),
    ),
    (
        "groq: values of an effort, none of them ours",
        400,
        openai("`reasoning_effort` must be one of `none` or `default`", "reasoning_effort"),
        Lesson("reasoning_effort[minimal]"),
    ),
    (
        "pydantic: values of an effort",
        422,
        json.dumps(
            {
                "detail": [
                    pydantic(
                        "body",
                        "reasoning_effort",
                        kind="literal_error",
                        message="Input should be 'low', 'medium' or 'high'",
                    )
                ]
            }
        ),
        Lesson("reasoning_effort[minimal]", "low"),
    ),
    (
        "openai: no streams for this organization",
        400,
        openai(
            "Your organization must be verified to stream this model. Please go to settings.",
            "stream",
            "unsupported_value",
        ),
        Lesson("stream"),
    ),
    ("fastapi", 422, json.dumps({"detail": [FORBIDDEN]}), Lesson("stream_options")),
    (
        "mistral",
        422,
        json.dumps({"object": "error", "message": {"detail": [FORBIDDEN]}, "param": None}),
        Lesson("stream_options"),
    ),
    (
        "mistral, JSON in a sentence",
        422,
        json.dumps({"object": "error", "message": json.dumps({"detail": [FORBIDDEN]})}),
        Lesson("stream_options"),
    ),
    (
        "a proxy that quotes what it was answered",
        400,
        json.dumps(
            {"error": {"message": f"MistralException - {json.dumps({'detail': [FORBIDDEN]})}"}}
        ),
        Lesson("stream_options"),
    ),
    (
        "a proxy that quotes Python",
        422,
        (
            "{'detail': [{'type': 'extra_forbidden', 'loc': ['body', 'stream_options'], 'msg': 'Extra"
            " inputs are not permitted'}]}"
        ),
        Lesson("stream_options"),
    ),
    (
        "vllm: a validation error in a sentence",
        400,
        json.dumps(
            {
                "object": "error",
                "message": "1 validation error for ChatCompletionRequest\nstop\n  Extra inputs are "
                "not permitted [type=extra_forbidden, input_value=['END'], input_type=list]",
                "type": "BadRequestError",
                "param": None,
                "code": 400,
            }
        ),
        Lesson("stop"),
    ),
    (
        "vllm: out of range",
        400,
        json.dumps({"object": "error", "message": "temperature must be in [0, 0.5].", "code": 400}),
        Lesson("temperature", "0.5"),
    ),
    (
        "fireworks",
        400,
        openai("Extra inputs are not permitted, field: 'stream_options'"),
        Lesson("stream_options"),
    ),
    (
        "groq: an unsupported property",
        400,
        openai("property 'stop' is unsupported"),
        Lesson("stop"),
    ),
    (
        "groq: a maximum",
        400,
        openai(
            "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` "
            "is less than the `context_window` for this model"
        ),
        Lesson("max_tokens", "8192"),
    ),
    (
        "deepseek",
        400,
        openai("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"),
        Lesson("max_tokens", "8192"),
    ),
    (
        "dashscope",
        400,
        openai(
            "<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]"
        ),
        Lesson("max_tokens", "8192"),
    ),
    (
        "gemini: an unknown name",
        400,
        json.dumps(
            [
                {
                    "error": {
                        "code": 400,
                        "message": 'Invalid JSON payload received. Unknown name "stream_options": '
                        "Cannot find field.",
                        "status": "INVALID_ARGUMENT",
                        "details": [
                            {
                                "@type": "type.googleapis.com/google.rpc.BadRequest",
                                "fieldViolations": [{"description": "Unknown name."}],
                            }
                        ],
                    }
                }
            ]
        ),
        Lesson("stream_options"),
    ),
    (
        "gemini: a range without its end",
        400,
        json.dumps(
            [
                {
                    "error": {
                        "code": 400,
                        "message": "Unable to submit request because it has a maxOutputTokens value "
                        "of 999999 but the supported range is from 1 (inclusive) to 65537 "
                        "(exclusive). Update the value and try again.",
                    }
                }
            ]
        ),
        Lesson("max_tokens", "65536"),
    ),
    (
        "bedrock",
        400,
        (
            '{"message":"The maximum tokens you requested exceeds the model limit of 4096. Try again with '
            'a maximum tokens value that is lower than 4096."}'
        ),
        Lesson("max_tokens", "4095"),
    ),
    (
        "cohere",
        400,
        (
            '{"message":"too many tokens: max tokens must be less than or equal to 4096, the maximum '
            'output for this model"}'
        ),
        Lesson("max_tokens", "4096"),
    ),
    (
        "grok",
        400,
        (
            '{"code":"Client specified an invalid argument","error":"Model grok-4 does not support '
            'parameter stop."}'
        ),
        Lesson("stop"),
    ),
    (
        "grok: another of them",
        400,
        (
            '{"code":"Client specified an invalid argument","error":"Argument not supported on this '
            'model: reasoning_effort"}'
        ),
        Lesson("reasoning_effort"),
    ),
    (
        "moonshot",
        400,
        openai("invalid temperature: only 1 is allowed for this model"),
        Lesson("temperature"),
    ),
    (
        "litellm",
        400,
        openai(
            "litellm.UnsupportedParamsError: azure does not support parameters: "
            "['reasoning_effort'], for model=gpt-4o. To drop these, set `litellm.drop_params=True`"
        ),
        Lesson("reasoning_effort"),
    ),
    ("go", 400, '{"error":"json: unknown field \\"stream_options\\""}', Lesson("stream_options")),
    (
        "serde",
        422,
        (
            "Failed to deserialize the JSON body into the target type: unknown field `stop`, expected "
            "one of `model`, `messages` at line 1 column 90"
        ),
        Lesson("stop"),
    ),
    (
        "llama.cpp",
        400,
        openai("Unsupported param: stop", None, "400"),
        Lesson("stop"),
    ),
    (
        "azure",
        400,
        openai(
            "Unknown parameter: 'stream_options.include_usage'.", "stream_options.include_usage"
        ),
        Lesson("stream_options"),
    ),
    (
        "pydantic: a bound",
        422,
        json.dumps(
            {
                "detail": [
                    pydantic(
                        "body",
                        "max_tokens",
                        kind="less_than_equal",
                        message="Input should be less than or equal to 2000",
                        ctx={"le": 2000},
                    )
                ]
            }
        ),
        Lesson("max_tokens", "2000"),
    ),
    (
        "anthropic: a maximum",
        400,
        anthropic(
            "max_tokens: 999999 > 64000, which is the maximum allowed number of output tokens for "
            "claude-haiku-4-5"
        ),
        Lesson("max_tokens", "64000"),
    ),
    (
        "anthropic: not with this model",
        400,
        anthropic("`temperature` is deprecated for this model."),
        Lesson("temperature"),
    ),
    (
        "anthropic: not both",
        400,
        anthropic(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        ),
        Lesson("top_p-temperature"),
    ),
    (
        "anthropic: not with thinking",
        400,
        anthropic("`temperature` may only be set to 1 when thinking is enabled."),
        Lesson("temperature"),
    ),
]
