"""What an idempotency key may be, and what makes two requests the same."""

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.errors import FieldError, Kind, ValidationFailed
from chassis.grpc.idempotency import once, request_key
from chassis.idempotency import (
    IdempotencyKeyReused,
    idempotency_key,
    parse_idempotency_key,
)


@pytest.mark.parametrize(
    "key", [None, "x", "8e03978e-40d5-43dd-bc93-6894a57f9324", '"q"', "~" * 255]
)
def test_visible_ascii_is_a_key(key: str | None) -> None:
    assert parse_idempotency_key(key) == key


@pytest.mark.parametrize("key", ["", "a b", "a\0", "a\n", "a\t", "\x7f", "é", "x" * 256, "١"])
def test_anything_else_is_refused_by_name(key: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        parse_idempotency_key(key)
    assert refused.value.fields == (FieldError("Idempotency-Key", "INVALID"),)


def test_without_a_key_there_is_nothing_to_remember() -> None:
    assert request_key(Timestamp()) is None
    assert once(Timestamp(), lambda _: b"", lambda _: None) is None


def test_equal_requests_have_equal_hashes_and_others_do_not() -> None:
    token = idempotency_key.set("k")
    try:
        first, again = request_key(Timestamp(seconds=7)), request_key(Timestamp(seconds=7))
        others = [request_key(Timestamp(seconds=8)), request_key(Duration(seconds=7))]
    finally:
        idempotency_key.reset(token)
    assert first is not None
    assert first == again
    first.check(first.request_hash)
    for other in others:
        assert other is not None
        with pytest.raises(IdempotencyKeyReused) as refused:
            first.check(other.request_hash)
        assert (refused.value.kind, refused.value.http_status) == (Kind.INVALID, 422)


def test_a_keyed_hash_is_known_under_any_of_the_keys_and_without_one() -> None:
    token = idempotency_key.set("k")
    try:
        plain = request_key(Timestamp(seconds=7))
        new, old, both, foreign = (
            request_key(Timestamp(seconds=7), secrets=secrets)
            for secrets in ([b"new"], [b"old"], [b"new", b"old"], [b"foreign"])
        )
        other = request_key(Timestamp(seconds=8), secrets=[b"new", b"old"])
    finally:
        idempotency_key.reset(token)
    assert plain
    assert new
    assert old
    assert both
    assert foreign
    assert other
    assert both.request_hash == new.request_hash
    assert len({key.request_hash for key in (plain, new, old, foreign, other)}) == 5
    for known in (new, old, plain):
        both.check(known.request_hash)
    for unknown in (foreign, other):
        with pytest.raises(IdempotencyKeyReused):
            both.check(unknown.request_hash)
    for hidden in (plain.request_hash, new.request_hash, old.request_hash):
        assert repr(hidden) not in repr(both)
