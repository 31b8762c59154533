"""Lists of models as servers send them: what each says of a model is read where it stands."""

import json
from typing import Any

import pytest

from chat_service.providers.domain.model import Model
from chat_service.providers.errors import ProviderError, ProviderGarbled
from chat_service.providers.model_list import MOST_MODELS, collected, read_models


def read(document: Any) -> tuple[Model, ...]:
    return read_models(json.dumps(document).encode()).models


SHAPES: dict[str, tuple[Any, list[Model]]] = {
    "OpenAI": (
        {"object": "list", "data": [{"id": "gpt-5", "object": "model", "owned_by": "openai"}]},
        [Model("gpt-5")],
    ),
    "OpenRouter": (
        {
            "data": [
                {
                    "id": "a/b",
                    "name": "A: B",
                    "context_length": 1_000_000,
                    "architecture": {"input_modalities": ["text", "image"]},
                    "top_provider": {"context_length": 900, "max_completion_tokens": 65_536},
                    "supported_parameters": ["temperature", "reasoning"],
                },
                {
                    "id": "a/c",
                    "context_length": 4096,
                    "architecture": {"input_modalities": ["text"]},
                    "top_provider": {"max_completion_tokens": None},
                    "supported_parameters": ["temperature"],
                },
            ]
        },
        [Model("a/b", 1_000_000, 65_536, True, True), Model("a/c", 4096, None, False, None)],
    ),
    "vLLM": ({"data": [{"id": "q", "max_model_len": 32768}]}, [Model("q", 32768)]),
    "LM Studio": ({"data": [{"id": "q", "max_context_length": 8192}]}, [Model("q", 8192)]),
    "Groq": (
        {"data": [{"id": "q", "context_window": 131072, "max_completion_tokens": 32768}]},
        [Model("q", 131072, 32768)],
    ),
    "Mistral": (
        {
            "data": [
                {
                    "id": "m",
                    "max_context_length": 128000,
                    "capabilities": {"vision": True, "reasoning": False},
                }
            ]
        },
        [Model("m", 128000, None, True, False)],
    ),
    "Together": ([{"id": "t", "context_length": 8192}], [Model("t", 8192)]),
    "Gemini": (
        {
            "models": [
                {
                    "name": "models/gemini-3",
                    "inputTokenLimit": 1048576,
                    "outputTokenLimit": 65536,
                    "thinking": True,
                }
            ]
        },
        [Model("gemini-3", 1048576, 65536, None, True)],
    ),
    "Gemini behind OpenAI's protocol": (
        {"data": [{"id": "models/gemini-3"}]},
        [Model("models/gemini-3")],
    ),
    "GitHub": (
        [
            {
                "id": "openai/gpt",
                "name": "GPT",
                "limits": {"max_input_tokens": 9000, "max_output_tokens": 400},
                "supported_input_modalities": ["text", "image"],
                "capabilities": ["streaming", "reasoning"],
            }
        ],
        [Model("openai/gpt", 9000, 400, True, True)],
    ),
    "LiteLLM": (
        {
            "data": [
                {
                    "id": "x",
                    "max_input_tokens": 200000,
                    "max_output_tokens": 64000,
                    "supports_vision": False,
                    "supports_reasoning": True,
                }
            ]
        },
        [Model("x", 200000, 64000, False, True)],
    ),
    "Fireworks": (
        {"data": [{"id": "f", "context_length": 4096, "supports_image_input": True}]},
        [Model("f", 4096, None, True)],
    ),
    "DeepInfra": (
        {"data": [{"id": "d", "metadata": {"context_length": 100, "max_tokens": 50}}]},
        [Model("d", 100, 50)],
    ),
    "llama.cpp": (
        {
            "models": [{"name": "q", "capabilities": ["completion"]}],
            "data": [{"id": "q", "meta": {"n_ctx_train": 40960}}],
        },
        [Model("q", 40960)],
    ),
    "Ollama": (
        {
            "models": [
                {"name": "llama3:8b", "model": "llama3:8b", "capabilities": ["vision", "thinking"]}
            ]
        },
        [Model("llama3:8b", None, None, True, True)],
    ),
    "Cohere": (
        {"models": [{"name": "command", "context_length": 256000.0, "supports_vision": True}]},
        [Model("command", 256000, None, True)],
    ),
    "Anthropic": (
        {
            "data": [
                {
                    "type": "model",
                    "id": "claude-opus-4-7",
                    "display_name": "Claude Opus 4.7",
                    "max_input_tokens": 1_000_000,
                    "max_tokens": 128_000,
                    "capabilities": {
                        "image_input": {"supported": True},
                        "thinking": {"supported": True, "types": {"adaptive": {"supported": True}}},
                    },
                }
            ],
            "has_more": False,
            "first_id": "claude-opus-4-7",
            "last_id": "claude-opus-4-7",
        },
        [Model("claude-opus-4-7", 1_000_000, 128_000, True, True)],
    ),
    "Ollama without a model": ({"object": "list", "data": None}, []),
    "no models": ({"data": []}, []),
    "within data": ({"code": 0, "data": {"models": [{"id": "a"}]}}, [Model("a")]),
    "within a result": ({"success": True, "result": {"data": [{"id": "a"}]}}, [Model("a")]),
    "Cloudflare": (
        {
            "success": True,
            "errors": [],
            "result": [{"id": "429b9e8b-d99e-44de-91ad-706cf8183658", "name": "@cf/a/b"}],
        },
        [Model("@cf/a/b")],
    ),
    "Azure's catalogue": (
        [{"id": "azureml://registries/azure-openai/models/x/versions/2", "name": "x"}],
        [Model("x")],
    ),
    "a number alone": (
        {"data": [{"id": "429b9e8b-d99e-44de-91ad-706cf8183658"}]},
        [Model("429b9e8b-d99e-44de-91ad-706cf8183658")],
    ),
    "an empty error beside the list": ({"error": {}, "data": [{"id": "a"}]}, [Model("a")]),
    "names alone": (["a", "b"], [Model("a"), Model("b")]),
    "numbers as text": ({"data": [{"id": "a", "context_length": "4096"}]}, [Model("a", 4096)]),
}


@pytest.mark.parametrize("server", SHAPES)
def test_what_a_server_says_of_a_model_is_read_where_it_stands(server: str) -> None:
    document, models = SHAPES[server]
    assert list(read(document)) == models


@pytest.mark.parametrize(
    "value", [None, 0, -1, True, "", "many", [], {}, 1e30, 0.5, "9" * 30, {"context_length": 1}]
)
def test_a_number_that_is_none_says_nothing(value: Any) -> None:
    assert read({"data": [{"id": "a", "context_length": value, "capabilities": value}]}) == (
        Model("a"),
    )


HOSTILE_IDS = [
    "",
    " a",
    "a\u0000b",
    "a\nb",
    "\ud800",
    "a" * 201,
    "\u202egpt",
    "sk-abcdefghijklmnop",
    "Bearer abcdefgh",
    5,
    None,
    ["a"],
]


@pytest.mark.parametrize("hostile", HOSTILE_IDS)
def test_an_id_that_no_model_could_have_is_left_out_and_the_others_stay(hostile: Any) -> None:
    document = {"data": [{"id": hostile}, {"id": "good"}, hostile]}
    assert read(document) == (Model("good"),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"{}",
        b"null",
        b'"a"',
        b'{"data": {}}',
        b'{"data": {"data": {"data": []}}}',
        b"[" * 5000 + b"]" * 5000,
        b'{"data": [',
    ],
)
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    with pytest.raises(ProviderGarbled):
        read_models(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error": {"message": "no"}}', "PROVIDER_FAILED"),
        (b'{"error": {"message": "Invalid API key", "code": 401}}', "PROVIDER_UNAUTHORIZED"),
        (b'{"code": 429, "message": "Slow down."}', "PROVIDER_RATE_LIMITED"),
        (b'{"detail": "Not authenticated"}', "PROVIDER_FAILED"),
    ],
)
def test_an_error_in_place_of_a_list_is_that_error(body: bytes, reason: str) -> None:
    with pytest.raises(ProviderError) as raised:
        read_models(body)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    "body",
    [
        b'\xef\xbb\xbf{"data":[{"id":"a"}]}',
        b'{"data":[{"id":"a","x":"\t\0"}]}',
        b'[{"id":"a","n":NaN}]',
    ],
)
def test_a_list_is_read_that_is_no_strict_json(body: bytes) -> None:
    assert read_models(body).models == (Model("a"),)


def test_each_is_there_once_in_order_with_all_that_was_said_of_it() -> None:
    models = [Model("b"), Model("A", 1), Model("b", 7), Model("a"), Model("b", 9, 3)]
    assert collected(models) == (Model("A", 1), Model("a"), Model("b", 7, 3))


def test_a_thousand_at_most_are_kept() -> None:
    assert len(collected(Model(f"m{number}") for number in range(5000))) == MOST_MODELS == 1000
