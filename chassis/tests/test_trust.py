"""What a process knows of keys and revocations, and whom it tells."""

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from chassis.errors import Unauthenticated
from chassis.grpc import caller
from chassis.grpc.caller import LONGEST_SECONDS, TokenVerifier
from chassis.grpc.trust import TrustStore
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


@pytest.mark.parametrize("order", [(100, 200), (200, 100)])
def test_of_two_revocations_of_one_subject_the_longest_is_remembered(
    trust: TrustStore, monkeypatch: pytest.MonkeyPatch, order: tuple[int, int]
) -> None:
    for at in order:
        trust.apply(_message(_revocation("a", at, lasting=900 if at == order[0] else 300)))
    later = time.time() + 600
    monkeypatch.setattr(time, "time", lambda: later)
    trust.apply(_message())
    assert trust.is_revoked("a", "", 200)


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


def test_so_many_tokens_are_remembered_and_others_are_looked_at_again(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller, "_CACHE_SIZE", 3)
    verifier = TokenVerifier(signer.trust)
    tokens = [signer.token() for _ in range(5)]
    for token in tokens:
        verifier.verify(token)
    assert list(verifier._cache) == tokens[-3:]
    assert _is_good(lambda: verifier.verify(tokens[0]))
    assert len(verifier._cache) == 3


def _issued_before(signer: Signer, seconds: float) -> str:
    """A token that was issued so long ago, and was good for a minute."""
    claims = jwt.decode(signer.token(sid="a"), options={"verify_signature": False})
    issued_at = time.time() - seconds
    return signer.sign({**claims, "iat": issued_at, "exp": issued_at + 60})


def _is_good(verify: Callable[[], object]) -> bool:
    try:
        verify()
    except Unauthenticated:
        return False
    return True


@pytest.mark.parametrize("outlived_first", [False, True])
def test_what_goes_on_outlives_its_token_and_what_begins_does_not(
    signer: Signer, outlived_first: bool
) -> None:
    verifier = TokenVerifier(signer.trust)
    token = _issued_before(signer, 300)
    # What was remembered for the one must not be good for the other.
    for outlived in (outlived_first, not outlived_first, outlived_first):
        assert _is_good(lambda: verifier.verify(token, outlived=outlived)) is outlived  # noqa: B023


def test_nothing_outlives_its_token_by_more_than_revocations_are_remembered(
    signer: Signer,
) -> None:
    verifier = TokenVerifier(signer.trust)
    for age, is_good in ((LONGEST_SECONDS - 60, True), (LONGEST_SECONDS, False)):
        token = _issued_before(signer, age)
        assert _is_good(lambda: verifier.verify(token, outlived=True)) is is_good  # noqa: B023


def test_a_revoked_token_is_outlived_by_nothing(signer: Signer) -> None:
    verifier = TokenVerifier(signer.trust)
    token = _issued_before(signer, 300)
    verifier.verify(token, outlived=True)
    signer.trust.apply(_message(_revocation("a", time.time())))
    assert not _is_good(lambda: verifier.verify(token, outlived=True))


@pytest.mark.parametrize("changes", [{"exp": 1e400}, {"iat": 1e400}, {"iat": -1e400}])
def test_a_time_without_end_is_no_time(signer: Signer, changes: dict[str, float]) -> None:
    claims = jwt.decode(signer.token(), options={"verify_signature": False})
    # JSON has no word for it, but a number that is read as it.
    (name,) = changes
    text = json.dumps({**claims, name: "?"}).replace('"?"', f"{'-' * (changes[name] < 0)}1e400")
    token = jwt.api_jws.encode(
        text.encode(),
        signer.private_key,
        algorithm="EdDSA",
        headers={"typ": "at+jwt", "kid": signer.kid},
    )
    verifier = TokenVerifier(signer.trust)
    for outlived in (False, True):
        assert not _is_good(lambda: verifier.verify(token, outlived=outlived))  # noqa: B023
