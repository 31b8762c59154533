"""Names of secrets, names that only sound like one, and what stands under them in the log."""

import json
import logging
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
import structlog

from chassis.telemetry.logging import configure_logging, get_logger
from chassis.telemetry.secret_names import Disclosed

R = "[redacted]"
Logged = Any


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    """Logs the fields, and gives them back as they are read in the log."""
    before, handlers = structlog.get_config(), logging.getLogger().handlers[:]
    configure_logging("test-service", "info")

    def write(**fields: object) -> Mapping[str, Any]:
        get_logger("here").info("it", **fields)
        written: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {name: written[name] for name in fields}

    yield write
    # Loggers that have been used stay with the processors that they met first: where others come,
    # what those say is captured no more.
    structlog.configure(**before)
    logging.getLogger().handlers[:] = handlers


@pytest.mark.parametrize(
    "name",
    [
        *("password", "passwd", "new_password", "passphrase", "passcode", "pwd", "db_pwd"),
        *("secret", "client_secret", "token", "refresh_token", "idToken", "jwt", "credentials"),
        *("api_key", "apiKey", "X-Api-Key", "APIKEY", "private_key", "signing-key", "access_key"),
        *("authorization", "Cookie", "pin", "PIN", "user_pin", "userPin", "pins"),
        *("otp", "otp_code", "totp", "verification_code", "verificationCode", "reset-code"),
        *("login_code", "smsCode", "recovery_codes", "cvv"),
    ],
)
def test_what_stands_under_a_secrets_name_is_not_read_whatever_its_type(
    name: str, log: Logged
) -> None:
    for value, kept in (
        ("hunter2", R),
        (12345, R),
        (0, R),
        (493021, R),
        (-1.5, R),
        (10**30, R),
        (Decimal("1.5"), R),
        (b"hunter2", R),
        (bytearray(b"hunter2"), R),
        ([1234, "hunter2", b"x"], [R, R, R]),
        ((1, (2, [3])), [R, [R, [R]]]),
        ({7}, [R]),
        ({"a": 1, "b": {"c": [2.5]}}, {"a": R, "b": {"c": [R]}}),
        ({1234: "ada", b"hunter2": True}, {R: True}),
        (object(), R),
        (None, None),
        (True, True),
        ([None, False], [None, False]),
    ):
        assert log(**{name: value}) == {name: kept}, value
        assert log(outer={name: value}) == {"outer": {name: kept}}, value
        assert log(outer=[{"x": {name: value}}]) == {"outer": [{"x": {name: kept}}]}, value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status_code", 404),
        ("status_code", 493021),
        ("statusCode", "500"),
        ("error_code", 493021),
        ("err_code", 10059),
        ("exit_code", 137),
        ("country_code", "CH"),
        ("zip_code", 80331),
        ("code", 404),
        ("code", 14),
        ("code", 4401),
        ("code", -32601),
        ("code", "NOT_FOUND"),
        ("code", "42P01"),
        ("code", "23505"),
        ("codes", [404, 500]),
        ("code", float("inf")),
        ("token_count", 493021),
        ("tokenCount", 7),
        ("max_tokens", 100_000),
        ("prompt_tokens", 493021),
        ("completion_tokens", 12),
        ("total_tokens", 12),
        ("tokens", 12),
        ("tokens_ended", "2"),
        ("usage", {"prompt_tokens": 3, "completion_tokens": 4}),
        ("access_token_seconds", 300),
        ("password_min_length", 8),
        ("password_iterations", 2),
        ("tokenizer", "o200k"),
        ("pinned", 3),
        ("option", 3),
        ("spins", 3),
        ("decoded", 493021),
        ("port", 49302),
        ("key", "value"),
        ("monkeys", 12),
    ],
)
def test_what_only_sounds_like_a_secrets_name_is_read(
    name: str, value: object, log: Logged
) -> None:
    kept = None if value == float("inf") else value
    assert log(**{name: value}) == {name: kept}


@pytest.mark.parametrize(
    "value", [493021, "493021", "012345", 12345, "493 021", b"493021", 493021.0]
)
def test_a_code_of_six_digits_is_taken_for_one_that_somebody_was_sent(
    value: object, log: Logged
) -> None:
    assert log(code=value, codes=[value]) == {"code": R, "codes": [R]}
    assert log(body={"code": value, "n": 1}) == {"body": {"code": R, "n": 1}}
    assert log(code={"status": value})["code"] != R


@pytest.mark.parametrize("name", ["max_tokens", "token_count", "tokens"])
def test_a_text_under_the_name_of_a_count_is_no_number(name: str, log: Logged) -> None:
    assert log(**{name: "abc.def"}) == {name: R}
    assert log(**{name: ["7", "x7"]}) == {name: ["7", R]}


def test_what_is_to_be_read_is_read_whatever_it_is_called(log: Logged) -> None:
    assert log(code=Disclosed("493021"), pin=Disclosed("1")) == {"code": "493021", "pin": "1"}
