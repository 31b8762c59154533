"""What a process knows of keys and revocations, and whom it tells."""

import time
from types import SimpleNamespace
from typing import Any

import pytest

from chassis.errors import Unauthenticated
from chassis.grpc.caller import TokenVerifier, TrustStore
from chassis.testing import Signer


def _at(seconds: float) -> Any:
    return SimpleNamespace(seconds=int(seconds), nanos=0)


def _revocation(subject: str, at: float, *, lasting: float = 600) -> Any:
    return SimpleNamespace(
        sid=subject, user_id="", revoked_at=_at(at), expires_at=_at(time.time() + lasting)
    )


def _message(*revocations: Any, snapshot: bool = False) -> Any:
    return SimpleNamespace(snapshot=snapshot, keys=[], revocations=list(revocations))


@pytest.fixture
def trust() -> TrustStore:
    return TrustStore()


@pytest.fixture
def heard(trust: TrustStore) -> list[tuple[str, float]]:
    told: list[tuple[str, float]] = []
    trust.listen(lambda subject, at: told.append((subject, at)))
    return told


def test_a_listener_hears_each_revocation_once_and_when_it_is_in_force(
    trust: TrustStore, heard: list[tuple[str, float]]
) -> None:
    in_force: list[bool] = []
    trust.listen(lambda subject, at: in_force.append(trust.is_revoked(subject, "", at)))
    for _ in range(3):
        trust.apply(_message(_revocation("a", 100), _revocation("b", 200)))
    assert heard == [("a", 100.0), ("b", 200.0)]
    assert in_force == [True, True]


def test_a_snapshot_tells_what_was_missed_and_nothing_that_was_told(
    trust: TrustStore, heard: list[tuple[str, float]]
) -> None:
    trust.apply(_message(_revocation("a", 100)))
    trust.apply(_message(_revocation("a", 100), _revocation("b", 100), snapshot=True))
    assert heard == [("a", 100.0), ("b", 100.0)]


def test_a_snapshot_that_comes_in_pieces_never_gives_back_what_was_revoked(
    trust: TrustStore, heard: list[tuple[str, float]]
) -> None:
    trust.apply(_message(_revocation("a", 100), _revocation("b", 100)))
    trust.apply(_message(_revocation("a", 100), snapshot=True))
    assert trust.is_revoked("b", "", 100)
    trust.apply(_message(_revocation("b", 100), _revocation("c", 100)))
    assert heard == [("a", 100.0), ("b", 100.0), ("c", 100.0)]


@pytest.mark.parametrize("order", [(100, 200), (200, 100)])
def test_of_two_revocations_of_one_subject_the_furthest_counts_in_whatever_order(
    trust: TrustStore, heard: list[tuple[str, float]], order: tuple[int, int]
) -> None:
    for at in order:
        trust.apply(_message(_revocation("a", at)))
    assert trust.is_revoked("a", "", 200)
    assert not trust.is_revoked("a", "", 201)
    assert heard[-1] == ("a", 200.0)
    assert len(heard) == (2 if order == (100, 200) else 1)


def test_what_nothing_can_outlive_is_forgotten(
    trust: TrustStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust.apply(_message(_revocation("a", 100), _revocation("b", 100, lasting=900)))
    later = time.time() + 700
    monkeypatch.setattr(time, "time", lambda: later)
    trust.apply(_message())
    assert not trust.is_revoked("a", "", 100)
    assert trust.is_revoked("b", "", 100)


def test_a_token_is_good_for_everything_or_for_the_scopes_that_it_names() -> None:
    signer = Signer()
    verifier = TokenVerifier(signer.trust)
    assert verifier.verify(signer.token()).scopes is None
    bound = verifier.verify(signer.caller(scope="notes:read chat:write").token)
    assert bound.scopes == frozenset({"notes:read", "chat:write"})
    for scope in ("", "root", "notes:read root", "notes:read  chat:write", "NOTES:READ"):
        with pytest.raises(Unauthenticated):
            verifier.verify(signer.caller(scope=scope).token)
