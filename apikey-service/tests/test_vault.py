import base64
import os
import traceback
from dataclasses import replace

import pytest

from apikey_service.domain.errors import KeyUnreadable
from apikey_service.domain.sealed import Place
from apikey_service.domain.secret import Secret
from apikey_service.vault.envelope import EnvelopeVault
from apikey_service.vault.kek import parse_kek
from apikey_service.vault.ring import LocalKeyRing
from chassis.ids import new_id
from chassis.testing import sample

PLAIN = "sk-very-secret-indeed"


def _kek_text() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _place() -> Place:
    return Place(new_id(), new_id(), new_id(), "api_key")


@pytest.fixture
def vault() -> EnvelopeVault:
    return EnvelopeVault(LocalKeyRing(parse_kek(_kek_text())))


def test_what_was_sealed_opens_at_its_place(vault: EnvelopeVault) -> None:
    place = _place()
    sealed = vault.seal(Secret(PLAIN), place)

    assert vault.open(sealed, place).reveal() == PLAIN
    assert PLAIN.encode() not in sealed.ciphertext
    assert PLAIN.encode() not in sealed.wrapped_key
    assert "ciphertext" not in repr(sealed)


def test_the_same_secret_is_sealed_differently_each_time(vault: EnvelopeVault) -> None:
    place = _place()
    one, other = (vault.seal(Secret(PLAIN), place) for _ in range(2))

    assert one.ciphertext != other.ciphertext
    assert one.wrapped_key != other.wrapped_key


@pytest.mark.parametrize("part", ["tenant_id", "user_id", "key_id", "field"])
def test_it_opens_at_no_other_place(vault: EnvelopeVault, part: str) -> None:
    place = _place()
    sealed = vault.seal(Secret(PLAIN), place)
    elsewhere = {
        "tenant_id": replace(place, tenant_id=new_id()),
        "user_id": replace(place, user_id=new_id()),
        "key_id": replace(place, key_id=new_id()),
        "field": replace(place, field="api_key2"),
    }[part]

    with pytest.raises(KeyUnreadable):
        vault.open(sealed, elsewhere)


def test_neither_half_of_the_envelope_can_be_taken_from_another(vault: EnvelopeVault) -> None:
    place = _place()
    one, other = (vault.seal(Secret(PLAIN), place) for _ in range(2))

    for mixed in (
        replace(one, ciphertext=other.ciphertext),
        replace(one, wrapped_key=other.wrapped_key),
    ):
        with pytest.raises(KeyUnreadable):
            vault.open(mixed, place)


def test_a_changed_bit_anywhere_keeps_it_shut_and_the_error_shows_nothing(
    vault: EnvelopeVault,
) -> None:
    place = _place()
    sealed = vault.seal(Secret(PLAIN), place)

    tampered = [
        *(replace(sealed, ciphertext=broken) for broken in _broken(sealed.ciphertext)),
        *(replace(sealed, wrapped_key=broken) for broken in _broken(sealed.wrapped_key)),
    ]
    for other in tampered:
        with pytest.raises(KeyUnreadable) as refused:
            vault.open(other, place)
        assert PLAIN not in "".join(traceback.format_exception(refused.value))


def _broken(whole: bytes) -> list[bytes]:
    flipped = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]
    return [*flipped, whole[:-1], whole[:12], b"", whole + b"\x00"]


def test_another_key_encryption_key_is_recognised_by_its_id(vault: EnvelopeVault) -> None:
    place = _place()
    sealed = EnvelopeVault(LocalKeyRing(parse_kek(_kek_text()))).seal(Secret(PLAIN), place)

    before = _unreadable("kek_missing")
    with pytest.raises(KeyUnreadable):
        vault.open(sealed, place)
    assert _unreadable("kek_missing") == before + 1


def test_what_an_old_key_of_the_ring_sealed_opens_and_is_locked_anew_with_the_current_one() -> None:
    old, current = parse_kek(_kek_text()), parse_kek(_kek_text())
    place = _place()
    sealed = EnvelopeVault(LocalKeyRing(old)).seal(Secret(PLAIN), place)
    both = EnvelopeVault(LocalKeyRing(current, [old]))

    assert both.open(sealed, place).reveal() == PLAIN
    assert both.seal(Secret(PLAIN), place).kek_id == current.id

    kek_id, wrapped_key = both.rewrap(sealed.kek_id, sealed.wrapped_key, place)
    assert kek_id == current.id
    anew = replace(sealed, kek_id=kek_id, wrapped_key=wrapped_key)
    assert EnvelopeVault(LocalKeyRing(current)).open(anew, place).reveal() == PLAIN


@pytest.mark.parametrize("part", ["tenant_id", "user_id", "key_id", "field"])
def test_nothing_is_locked_anew_for_another_place(vault: EnvelopeVault, part: str) -> None:
    place = _place()
    sealed = vault.seal(Secret(PLAIN), place)
    other = "headers" if part == "field" else new_id()

    with pytest.raises(KeyUnreadable):
        vault.rewrap(sealed.kek_id, sealed.wrapped_key, replace(place, **{part: other}))  # type: ignore[arg-type]
    with pytest.raises(KeyUnreadable):
        vault.rewrap("0123456789abcdef", sealed.wrapped_key, place)


def _unreadable(cause: str) -> float:
    value = sample("apikey_unreadable_keys_total", cause=cause)
    assert value is not None
    return value


def test_the_same_key_has_the_same_id_which_does_not_give_it_away() -> None:
    text = _kek_text()
    kek = parse_kek(f"  {text}\n")

    assert kek == parse_kek(text)
    assert kek.id != parse_kek(_kek_text()).id
    assert kek.id not in kek.secret.hex()
    assert text not in repr(kek)
    assert kek.secret.hex() not in repr(kek)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "these are 0 bytes"),
        ("hunter2!", "not base64"),
        (base64.b64encode(bytes(range(31))).decode(), "these are 31 bytes"),
        (base64.b64encode(bytes(range(33))).decode(), "these are 33 bytes"),
        (base64.b64encode(bytes(32)).decode(), "not random"),
        (base64.b64encode(b"\xff" * 32).decode(), "not random"),
        (base64.b64encode(b"changeme" * 4).decode(), "not random"),
        (bytes(range(32)).hex(), "these are 48 bytes"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as refused:
        parse_kek(text)
    assert not text or text not in str(refused.value)
