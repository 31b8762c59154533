"""The model servers, each with what it is told to answer."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from chassis.embedded import ServerFailed
from tools.interop import NODE, PYTHON
from tools.members import ROOT

from .process import ModelServer

#: More words than come in a read, with characters of two, three and four bytes and one of several.
WORDS: Final = "Wörter come one by one: 你好，世界, and 🎉 and 👩‍🔬 too, down to the last of them."
LONG_ANSWER: Final = " ".join(f"word{number}" for number in range(1, 601))
#: Comes in halves of characters, each in an event of its own.
HALVES: Final = "🎉🎈🎊🥳"
RETRY_AFTER: Final = 7
#: Tokens of which it counts one for four characters.
CONTEXT: Final = 4_000


class LlamaCpp(ModelServer):
    """A real server with a real, if small, model: its tokens are drawn, not written down."""

    name = "llama.cpp"
    package = "xllamacpp"
    ready_path = "/health"
    key = "sk-llama"
    thinking = "apart"

    def command(self) -> Sequence[str]:
        model = self.directory / "table.gguf"
        made = [str(PYTHON), "-m", "tests.interop.table_model", str(model)]
        subprocess.run(made, cwd=ROOT, check=True)
        serving = [str(PYTHON), "-m", "tests.interop.llama_server", str(model)]
        return [*serving, str(self.port), self.key, self.thinking]

    def count(self, metric: str) -> float:
        """One of the counters and gauges that it keeps of itself."""
        lines = str(self.get("/metrics")).splitlines()
        (value,) = [line.split()[1] for line in lines if line.startswith(f"llamacpp:{metric} ")]
        return float(value)


class LlamaCppThinkingWithin(LlamaCpp):
    """The same, set up to leave the model's thinking in its text."""

    name = "llama.cpp, thinking in the text"
    thinking = "within"


class LlMock(ModelServer):
    """Speaks as several providers do, and fails as they do; its answers are told by model."""

    name = "LLMock"
    package = "llmock"
    ready_path = "/health"
    anthropic_path = "/anthropic"
    key = "sk-llmock"

    def command(self) -> Sequence[str]:
        program = str(PYTHON.with_name("llmock"))
        pace = ["--stream-chunk-delay-ms", "5", "--context-window", str(CONTEXT)]
        return [program, "serve", "--port", str(self.port), *pace]

    def set_up(self) -> None:
        missing = {"message": "The model `nosuch` does not exist.", "code": "model_not_found"}
        self.tell({"type": "reply", "text": WORDS}, "words")
        self.tell({"type": "reply", "text": LONG_ANSWER}, "long-answer")
        self.tell({"type": "reply", "text": "Cut sh", "finish_reason": "length"}, "short")
        self.tell({"type": "fail", "status": 401}, "unauthorized")
        self.tell({"type": "fail", "status": 404, **missing}, "nosuch")
        self.tell({"type": "fail", "status": 429, "retry_after": RETRY_AFTER}, "limited")
        self.tell({"type": "fail", "status": 500}, "broken")
        self.tell({"type": "fail", "status": 503}, "overloaded")
        self.tell({"type": "fail", "status": 529}, "overloaded-529")
        for kind in ("disconnect", "truncate", "malformed"):
            self.tell({"type": "reply", "text": WORDS}, kind)
            self.tell({"type": "stream_fault", "kind": kind, "after_chunks": 5}, kind)

    def tell(self, behaviour: dict[str, Any], model: str) -> None:
        """Have it behave so for ever, whenever ``model`` is asked."""
        behaviour |= {"times": None, "match": {"model": model}}
        told = self.post("/_llmock/scenario", {"behaviors": [behaviour]})
        if not told.is_success:
            raise ServerFailed(told.text)

    def requests(self, model: str) -> list[dict[str, Any]]:
        """What it was asked of ``model``, the oldest first."""
        told = self.get("/_llmock/requests")["requests"]
        return [request for request in told if request["model"] == model]


class AiMock(ModelServer):
    """Answers by fixtures: the first one whose model is asked for."""

    name = "aimock"
    package = "@copilotkit/aimock"
    ready_path = "/health"
    key = "sk-aimock"

    def command(self) -> Sequence[str]:
        limited = {"message": "Rate limit reached", "type": "rate_limit_error"}
        long = {
            "message": "This model's maximum context length is 8192 tokens. "
            "However, your messages resulted in 9000 tokens.",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
            "param": "messages",
        }
        missing = {
            "message": "The model `nosuch` does not exist or you do not have access to it.",
            "type": "invalid_request_error",
            "code": "model_not_found",
        }
        words = {"content": WORDS}
        fixtures = (
            # It cuts between the units of UTF-16: this many leave every character whole.
            _fixture("words", words, chunkSize=5, latency=5),
            _fixture("halves", {"content": HALVES}, chunkSize=1, latency=150),
            # Ten minutes, unless somebody ends it.
            _fixture("long-answer", {"content": LONG_ANSWER}, chunkSize=8, latency=1000),
            _fixture("thinking", {"content": "The answer.", "reasoning": "First 思考 🤔."}),
            _fixture("counted", {"content": "Counted.", "usage": _usage(10, 5)}),
            _fixture("short", {"content": "Cut sh", "finishReason": "length"}),
            _fixture("filtered", {"content": "I can", "finishReason": "content_filter"}),
            _fixture("tools", {"toolCalls": [{"name": "f", "arguments": {"a": 1}}]}),
            _fixture("limited", {"error": limited, "status": 429, "retryAfter": RETRY_AFTER}),
            _fixture("long", {"error": long, "status": 400}),
            _fixture("nosuch", {"error": missing, "status": 404}),
            _fixture("disconnect", words, chunkSize=4, latency=40, disconnectAfterMs=200),
            _fixture("broken", words, chaos={"dropRate": 1}),
            _fixture("garbage", words, chaos={"malformedRate": 1}),
            _fixture("silent", words, chaos={"disconnectRate": 1}),
        )
        (self.directory / "fixtures.json").write_text(json.dumps({"fixtures": fixtures}))
        config = {
            "llm": {"fixtures": str(self.directory / "fixtures.json")},
            "auth": {"apiKeys": [self.key]},
            "strict": True,
        }
        (self.directory / "aimock.json").write_text(json.dumps(config))
        program = NODE / "node_modules" / ".bin" / "aimock"
        return [str(program), "-c", str(self.directory / "aimock.json"), "-p", str(self.port)]

    def requests(self, model: str) -> list[dict[str, Any]]:
        """What it was asked of ``model``, the oldest first."""
        told = self.get("/__aimock/journal?limit=1000")
        return [request for request in told if (request["body"] or {}).get("model") == model]


def _fixture(model: str, response: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"match": {"model": model}, "response": response, **more}


def _usage(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion}


class LiteLlm(ModelServer):
    """A proxy: answers of its own, and those of the servers behind it in its own shape."""

    name = "LiteLLM"
    package = "litellm"
    ready_path = "/health/liveliness"
    key = "sk-litellm"

    def __init__(self, directory: Path, behind: Sequence[ModelServer]) -> None:
        super().__init__(directory)
        self._behind = behind

    def command(self) -> Sequence[str]:
        own = {
            "words": WORDS,
            "limited": "litellm.RateLimitError",
            "long": "litellm.ContextWindowExceededError",
            "broken": "litellm.InternalServerError",
            "filtered": "Exception: content_filter_policy",
            "overloaded": "Exception: mock_streaming_error",
        }
        models = [_model(name, api_key="none", mock_response=said) for name, said in own.items()]
        for server in self._behind:
            # All that is asked for as ``llmock/words`` is asked of LLMock as ``words``.
            where = {"api_key": server.key, "api_base": server.openai_url}
            models.append(_model(f"{server.package}/*", model="openai/*", **where))
        config = {
            "model_list": models,
            "general_settings": {"master_key": self.key},
            # Each answer is of the one request that was made.
            "router_settings": {"num_retries": 0, "disable_cooldowns": True},
        }
        # JSON is YAML, but for how it escapes what needs two surrogates.
        written = json.dumps(config, ensure_ascii=False)
        (self.directory / "litellm.yaml").write_text(written, encoding="utf-8")
        program = str(PYTHON.with_name("litellm"))
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--telemetry", "False"]
        command = [program, "--config", str(self.directory / "litellm.yaml"), *address]
        # Else it begins by fetching a price list.
        return ["env", "LITELLM_LOCAL_MODEL_COST_MAP=True", *command]


def _model(name: str, *, model: str | None = None, **parameters: str) -> dict[str, Any]:
    return {
        "model_name": name,
        "litellm_params": {"model": model or f"openai/{name}", **parameters},
    }
