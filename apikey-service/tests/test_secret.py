import copy
import logging
import pickle
import traceback

import pytest

from apikey_service.domain.key import Connection, Owner, Provider
from apikey_service.domain.secret import Secret, mask
from apikey_service.usecases.create import NewKey
from chassis.ids import new_id
from servicekit.generation_parameters import GenerationParameters
from servicekit.names import fold_name

PLAIN = "sk-very-secret-indeed"


@pytest.mark.parametrize(
    ("key", "masked"),
    [
        ("sk-abcdefghijklmnwxyz", "sk-…wxyz"),
        ("sk-proj-abcdefghijklwxyz", "sk-…wxyz"),
        ("gsk_abcdefghijklwxyz", "gsk_…wxyz"),
        ("0123456789abwxyz", "…wxyz"),
        ("AIzaSyAbcdefghijwxyz", "…wxyz"),
        ("12345678wxyz", "…wxyz"),
        ("1234567wxyz", "…"),
        ("sk-1234wxyz", "…"),
        ("x", "…"),
    ],
)
def test_a_mask_shows_four_characters_of_a_key_that_has_enough(key: str, masked: str) -> None:
    assert mask(Secret(key)) == masked


def test_a_secret_shows_itself_only_when_asked_by_name() -> None:
    secret = Secret(PLAIN)
    headers = (("api-key", secret),)
    new = NewKey("name", secret, "model", "https://example.com", Provider.OPENAI, headers)
    connection = Connection(
        id=new_id(),
        name="name",
        api_key=secret,
        model="model",
        base_url="https://x",
        provider=Provider.OPENAI,
        headers=headers,
        parameters=GenerationParameters(),
        fallback_key_id=None,
        owner=Owner.USER,
        has_error=False,
        learnt=(),
    )
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%s %r", (secret, new), None)
    try:
        raise ValueError(secret, connection)
    except ValueError:
        trace = traceback.format_exc()

    shown = [str(secret), repr(secret), f"{secret}", repr(new), str(connection), trace]
    shown.append(record.getMessage())

    assert not any(PLAIN in text for text in shown)
    assert secret.reveal() == PLAIN


@pytest.mark.parametrize("spread", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_neither_pickled_nor_copied(spread: object) -> None:
    assert callable(spread)
    with pytest.raises(TypeError):
        spread(Secret(PLAIN))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("OpenAI", "openai"),
        ("STRASSE", "straße"),
        ("ＯｐｅｎＡＩ", "openai"),
        ("caf\u00e9", "cafe\u0301"),
        ("K", "\N{KELVIN SIGN}"),
        ("ﬁne", "FINE"),
        ("x²", "X2"),
        ("wo\u200crk", "work"),
        ("می\u200cخواهم", "میخواهم"),
        ("👩\u200d💻", "👩💻"),
    ],
)
def test_names_that_look_alike_fold_to_the_same(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


def test_names_that_differ_fold_apart() -> None:
    names = ["work", "work 2", "wörk", "家", "Work-", "🔑"]
    assert len({fold_name(name) for name in names}) == len(names)
