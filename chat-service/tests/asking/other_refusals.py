"""Refusals of what has no room, as model servers have them, and what no refusal of a parameter is."""

from .refusals import anthropic, openai

ROOM = [
    (
        "openai",
        openai(
            "This model's maximum context length is 8192 tokens. However, you requested 1000299 tokens"
            " (300 in the messages, 999999 in the completion). Please reduce the length of the messages"
            " or completion.",
            "max_tokens",
            "context_length_exceeded",
        ),
        7892,
    ),
    (
        "vllm",
        openai(
            "'max_tokens' or 'max_completion_tokens' is too large: 999999. This model's maximum context"
            " length is 8192 tokens and your request has 300 input tokens (999999 > 8192 - 300)."
        ),
        7892,
    ),
    (
        "tgi",
        (
            '{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: '
            '96 `inputs` tokens and 999999 `max_new_tokens`","error_type":"validation"}'
        ),
        4000,
    ),
    (
        "anthropic",
        anthropic(
            "input length and `max_tokens` exceed context limit: 190000 + 999999 > 200000, decrease "
            "input length or `max_tokens` and try again"
        ),
        10_000,
    ),
]


STANDS = [
    ("a key", 401, openai("Incorrect API key provided: stop", "stop")),
    ("a limit of requests", 429, openai("max_tokens: too many tokens a minute", "max_tokens")),
    ("a crash", 500, openai("'temperature' is unsupported", "temperature")),
    ("a model", 400, openai("The model 'temperature-1' does not exist", "model")),
    ("a message", 400, openai("Invalid 'messages[0].content': temperature", "messages[0].content")),
    ("a name that was not sent", 400, openai("Unknown parameter: 'seed'.", "seed")),
    ("nothing", 400, ""),
    ("a page", 400, "<html><body>400 Bad Request</body></html>"),
    ("nothing known", 400, openai("Please stop asking.")),
    (
        "an answer that is refused",
        400,
        openai("The response was filtered: please modify your prompt and retry.", "prompt"),
    ),
    (
        "a context without room",
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, you requested 1009999 tokens"
            " (10000 in the messages, 999999 in the completion).",
            "max_tokens",
        ),
    ),
    (
        "a context of the question alone",
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in "
            "9000 tokens. Please reduce the length of the messages.",
            "messages",
            "context_length_exceeded",
        ),
    ),
    ("too small a number", 400, openai("max_tokens must be at least 9999999", "max_tokens")),
    ("what has no end", 400, "[" * 3000),
]
