import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pydantic import ValidationError

from auth_service.credentials.signing import (
    AccessTokenSigner,
    SigningKey,
    UnusableSigningKey,
    thumbprint,
)
from auth_service.domain.trust import TrustUpdate
from auth_service.domain.users import Role, User
from auth_service.mapping import to_watch_response
from auth_service.settings import Settings
from chassis.clock import utc_now
from chassis.errors import Kind, Unauthenticated
from chassis.grpc.caller import TokenVerifier
from chassis.grpc.trust import TrustStore
from chassis.ids import new_id
from servicekit.argon2_passwords import Argon2Passwords, TooBusy


@pytest_asyncio.fixture(loop_scope="session")
async def passwords() -> AsyncIterator[Argon2Passwords]:
    one_at_a_time = Argon2Passwords(memory_kib=8, iterations=1, parallelism=1, workers=1, queue=1)
    await one_at_a_time.start()
    yield one_at_a_time
    await one_at_a_time.stop()


async def _hash(passwords: Argon2Passwords) -> str:
    with passwords.reserve_slot() as slot:
        return await slot.hash("correct horse")


async def test_a_password_matches_its_own_hash_alone(passwords: Argon2Passwords) -> None:
    password_hash = await _hash(passwords)

    assert password_hash.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    with passwords.reserve_slot() as slot:
        assert await slot.verify("correct horse", password_hash)
        assert not await slot.verify("wrong horse", password_hash)


async def test_nobody_matches_no_password(passwords: Argon2Passwords) -> None:
    with passwords.reserve_slot() as slot:
        assert not await slot.verify("correct horse", None)
        # Not even the one that stands in for it.
        assert not await slot.verify("nobody's password", None)


async def test_a_hash_of_other_parameters_is_outdated(passwords: Argon2Passwords) -> None:
    stronger = Argon2Passwords(memory_kib=16, iterations=1, parallelism=1, workers=1, queue=1)
    password_hash = await _hash(passwords)

    assert not passwords.is_outdated(password_hash)
    assert stronger.is_outdated(password_hash)
    await stronger.stop()


async def test_beyond_the_queue_it_is_too_busy_and_then_again_it_is_not(
    passwords: Argon2Passwords,
) -> None:
    outcomes = await asyncio.gather(*(_hash(passwords) for _ in range(5)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, TooBusy)]
    # One is computed, one waits.
    assert len(refused) == 3
    assert all(error.kind is Kind.UNAVAILABLE and error.retry_after == 1 for error in refused)
    assert await _hash(passwords)


async def test_whoever_hangs_up_in_the_queue_frees_their_place(
    passwords: Argon2Passwords,
) -> None:
    computing, waiting = (asyncio.create_task(_hash(passwords)) for _ in range(2))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert await _hash(passwords)
    assert await computing


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_key_is_named_by_its_thumbprint() -> None:
    # The example of RFC 8037, appendix A.
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_file_without_a_usable_key_is_refused_and_the_message_shows_none(
    tmp_path: Path,
) -> None:
    good = Ed25519PrivateKey.generate()
    contents = {
        "empty": b"",
        "text": b"changeme",
        "short": _pem(good)[:60],
        "public": good.public_key().public_bytes_raw(),
        "locked": good.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        ),
        "other": generate_private_key(SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        "zeros": _pem(Ed25519PrivateKey.from_private_bytes(bytes(32))),
        "typed": _pem(Ed25519PrivateKey.from_private_bytes(b"changeme" * 4)),
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UnusableSigningKey, match=str(path)) as refused:
            SigningKey.load(path)
        assert "changeme" not in str(refused.value)
    with pytest.raises(UnusableSigningKey, match="No such file"):
        SigningKey.load(tmp_path / "absent")


def _user(role: Role = Role.USER) -> User:
    return User(new_id(), new_id(), "ada", "ada@example.org", role, utc_now())


def _trusting(key: SigningKey) -> TokenVerifier:
    trust = TrustStore()
    trust.apply(to_watch_response(TrustUpdate(True, (key.verification,), ())))
    return TokenVerifier(trust)


@pytest.mark.parametrize("role", list(Role))
async def test_every_service_can_verify_what_was_signed(tmp_path: Path, role: Role) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(_pem(Ed25519PrivateKey.generate()))
    key = SigningKey.load(path)
    user, sid, now = _user(role), str(new_id()), utc_now()

    token = AccessTokenSigner(lambda: key, life=timedelta(seconds=300)).issue(user, sid, now)

    assert token.expires_in == 300
    caller = _trusting(key).verify(token.text)
    assert (caller.user_id, caller.tenant_id) == (user.id, user.tenant_id)
    assert (caller.role, caller.sid) == (role.value, sid)
    assert caller.expires_at == int(now.timestamp()) + 300


async def test_a_token_is_refused_under_another_key_and_after_its_life() -> None:
    key, other = (SigningKey(Ed25519PrivateKey.generate()) for _ in range(2))
    signer = AccessTokenSigner(lambda: key, life=timedelta(seconds=300))
    good = signer.issue(_user(), "sid", utc_now())
    expired = signer.issue(_user(), "sid", utc_now() - timedelta(seconds=301))

    for verifier, token in ((_trusting(other), good), (_trusting(key), expired)):
        with pytest.raises(Unauthenticated):
            verifier.verify(token.text)


@pytest.mark.parametrize(
    ("memory", "lanes", "refused"), [(8, 1, 0), (8, 2, 1), (127, 16, 1), (128, 16, 0)]
)
def test_lanes_that_have_no_memory_are_refused_before_the_first_password(
    memory: int, lanes: int, refused: int
) -> None:
    with pytest.raises(ValidationError) as caught:  # of what is required, nothing is there
        Settings(password_memory_kib=memory, password_parallelism=lanes)
    wrong = [error for error in caught.value.errors() if error["loc"] == ("password_parallelism",)]
    assert len(wrong) == refused


def test_passwords_are_hashed_as_shipped_with_no_less_than_owasp_asks_for() -> None:
    shipped = {
        name: Settings.model_fields[f"password_{name}"].default
        for name in ("memory_kib", "iterations", "parallelism")
    }
    # Of argon2id: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
    assert shipped["memory_kib"] >= 19 * 1024
    assert shipped["iterations"] >= 2
    assert shipped["parallelism"] == 1
