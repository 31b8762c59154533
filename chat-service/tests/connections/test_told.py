"""What came of trying a connection, in the words of the contract: all of it, and each under its own name."""

from chat_service.connections.domain.outcome import Outcome, Suggestion
from chat_service.connections.mapping import failure_of, model_to_proto, outcome_to_proto
from chat_service.providers.domain.model import Model
from chat_service.providers.errors import ProviderRateLimited
from parley.apikey.v1 import apikey_pb2
from parley.chat.v1 import chat_pb2


def test_of_a_test_that_failed_all_is_told() -> None:
    outcome = Outcome(
        latency_ms=3,
        reason="PROVIDER_RATE_LIMITED",
        detail="Wait.",
        provider_message="Slower.",
        retry_after=7,
        suggestion=Suggestion(base_url="http://h/v1", provider="anthropic"),
    )
    assert outcome_to_proto(outcome) == chat_pb2.TestConnectionResponse(
        latency_ms=3,
        failure=chat_pb2.ProviderFailure(
            reason="PROVIDER_RATE_LIMITED",
            detail="Wait.",
            provider_message="Slower.",
            retry_after=7,
        ),
        suggestion=chat_pb2.Suggestion(
            base_url="http://h/v1", provider=apikey_pb2.PROVIDER_ANTHROPIC
        ),
    )


def test_of_a_list_that_was_not_had_all_is_told() -> None:
    error = ProviderRateLimited(detail="Wait.", message="Slower.", retry_after=7)
    assert failure_of(error, None) == chat_pb2.ProviderFailure(
        reason="PROVIDER_RATE_LIMITED",
        detail="Wait.",
        provider_message="Slower.",
        retry_after=7,
    )


def test_of_a_model_all_is_told_that_its_server_says() -> None:
    told = {"context_tokens": 4096, "output_tokens": 512}
    for vision, reasoning in ((True, False), (False, True)):
        model = Model("m", vision=vision, reasoning=reasoning, **told)
        assert model_to_proto(model) == chat_pb2.Model(
            id="m", vision=vision, reasoning=reasoning, **told
        )
