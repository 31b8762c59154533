"""Of each way in which a model server can fail: whether another may answer, and who hears of it."""

import pytest

from chassis.ids import new_id
from chat_service.answer.domain.ending import RunStatus
from chat_service.providers import errors
from chat_service.providers.domain.connection import Connection
from chat_service.providers.domain.use import Use
from chat_service.streaming.write import verdict
from chat_service.streaming.write.reports import uses_of
from chat_service.streaming.write.verdict import Verdict, can_be_mended, verdict_of_error

# This server is not reached, does not let us in, is busy, or broken.
OF_THE_SERVER = [
    errors.ProviderBroke,
    errors.ProviderEndedEarly,
    errors.ProviderError,
    errors.ProviderForbidden,
    errors.ProviderGarbled,
    errors.ProviderNameNotFound,
    errors.ProviderOverloaded,
    errors.ProviderQuotaExceeded,
    errors.ProviderRateLimited,
    errors.ProviderRefusedConnection,
    errors.ProviderTimedOut,
    errors.ProviderTlsFailed,
    errors.ProviderUnauthorized,
    errors.ProviderUnreachable,
]
# What its owner has to set otherwise.
OF_THE_CONNECTION = [
    errors.ProviderAddressForbidden,
    errors.ProviderModelNotFound,
    errors.ProviderPathNotFound,
    errors.ProviderRedirected,
    errors.ProviderUnknown,
    errors.ProviderUrlInvalid,
]
# Another server would say the same, or nobody can tell.
OF_THE_ANSWER = [
    errors.ProviderCalledTool,
    errors.ProviderEmpty,
    errors.ProviderParameterRefused,
    errors.ProviderRefused,
    errors.ProviderThoughtOnly,
    errors.ProviderTooLarge,
]
OF_THE_QUESTION = [
    errors.ProviderCannotSee,
    errors.ProviderContentRefused,
    errors.ProviderContextTooLong,
]
# Our own pool is full.
OURS = [errors.ProviderBusy]

FIRST = Connection(new_id(), "n", "sk", "m", "https://example.com/v1", "openai")
LAST = Connection(new_id(), "n", "sk", "m", "https://example.com/v1", "openai")


def reported(failed: Verdict) -> bool:
    """Whether it is told of a connection, alike of one that another followed and of the last."""
    uses = uses_of([(FIRST, failed)], LAST, failed, {})
    assert uses in ([], [Use(one.key_id, error_reason=failed.reason) for one in (FIRST, LAST)])
    return bool(uses)


def test_every_failure_stands_here_once() -> None:
    every = [*OF_THE_SERVER, *OF_THE_CONNECTION, *OF_THE_ANSWER, *OF_THE_QUESTION, *OURS]
    assert len(every) == len(set(every))
    assert set(every) == {errors.ProviderError, *errors.ProviderError.__subclasses__()}
    assert len({one.reason for one in every}) == len(every)


@pytest.mark.parametrize(
    ("kinds", "mended", "told"),
    [
        (OF_THE_SERVER, True, True),
        (OF_THE_CONNECTION, False, True),
        (OF_THE_ANSWER, False, True),
        (OF_THE_QUESTION, False, False),
        (OURS, True, False),
    ],
)
def test_another_answers_what_is_of_the_server_and_its_owner_hears_of_what_is_not_of_the_question(
    kinds: list[type[errors.ProviderError]], mended: bool, told: bool
) -> None:
    verdicts = [verdict_of_error(kind()) for kind in kinds]
    assert [one.reason for one in verdicts if can_be_mended(one) != mended] == []
    assert [one.reason for one in verdicts if reported(one) != told] == []


def test_a_model_that_did_not_begin_is_followed_and_told_of() -> None:
    assert can_be_mended(verdict.NO_TOKEN)
    assert reported(verdict.NO_TOKEN)


@pytest.mark.parametrize(
    "ended",
    [
        verdict.BROKEN,
        verdict.CANCELLED,
        verdict.CUT_BY_FILTER,
        verdict.IDLE,
        verdict.REFUSED_BY_FILTER,
        verdict.SHUTTING_DOWN,
        verdict.TOO_LARGE,
        verdict.TOO_LONG,
        # It had begun to answer.
        Verdict(RunStatus.INTERRUPTED, errors.ProviderEndedEarly.reason),
    ],
)
def test_what_is_ended_otherwise_is_no_connections_fault(ended: Verdict) -> None:
    assert not can_be_mended(ended)
    assert not reported(ended)
