"""Connections on trial in the words of the contract."""

from chat_service.connections.domain.outcome import Outcome
from chat_service.providers.domain.model import Model
from chat_service.providers.errors import ProviderError
from chat_service.words.domain.word_filter import WordFilter, masked
from parley.apikey.v1 import apikey_pb2
from parley.chat.v1 import chat_pb2


def outcome_to_proto(outcome: Outcome) -> chat_pb2.TestConnectionResponse:
    suggestion, failure = outcome.suggestion, None
    if outcome.reason is not None:
        failure = chat_pb2.ProviderFailure(
            reason=outcome.reason,
            detail=outcome.detail,
            provider_message=outcome.provider_message,
            retry_after=outcome.retry_after,
        )
    return chat_pb2.TestConnectionResponse(
        latency_ms=outcome.latency_ms,
        failure=failure,
        suggestion=None
        if suggestion is None
        else chat_pb2.Suggestion(
            base_url=suggestion.base_url,
            provider=None
            if suggestion.provider is None
            else apikey_pb2.Provider.Value(f"PROVIDER_{suggestion.provider.upper()}"),
        ),
    )


def failure_of(error: ProviderError, words: WordFilter | None) -> chat_pb2.ProviderFailure:
    return chat_pb2.ProviderFailure(
        reason=error.reason,
        detail=error.detail,
        provider_message=masked(words, error.provider_message),
        retry_after=error.retry_after,
    )


def model_to_proto(model: Model) -> chat_pb2.Model:
    return chat_pb2.Model(
        id=model.id,
        context_tokens=model.context_tokens,
        output_tokens=model.output_tokens,
        vision=model.vision,
        reasoning=model.reasoning,
    )
