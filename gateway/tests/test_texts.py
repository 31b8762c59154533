"""What is dropped at the ends of texts, and what is kept to the last space."""

from typing import Any

import pytest
from pydantic import create_model

from gateway.schemas import (
    admin,
    auth,
    codes,
    keys,
    logins,
    notes,
    profile,
    questions,
    sessions,
    tokens,
)
from gateway.schemas.base import Body
from gateway.schemas.texts import digits, trimmed
from parley.auth.v1 import auth_pb2
from parley.notes.v1 import notes_pb2

from .door import Door

AROUND = "\ufeff \t\r\n\u00a0\u2003\u3000\u200b\u200e\u202a{}\u2069\u200d\u00ad\u2028\u3000\n "
# Secrets are compared, and what is said is said as it is.
KEPT = {
    "password",
    "old_password",
    "new_password",
    "refresh_token",
    "content",
    "instructions",
}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("ada", "ada"),
        (AROUND.format("ada"), "ada"),
        (AROUND.format(""), ""),
        ("a da", "a da"),
        ("a\u3000d\u200ba\tx", "a\u3000d\u200ba\tx"),
        # A family, and a flag: what joins them stands between them.
        (
            " \U0001f468\u200d\U0001f469\u200d\U0001f467 ",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        ),
        ("\x1f\x85x\u2029", "x"),
        ("\x00x", "\x00x"),
    ],
)
def test_what_cannot_be_seen_is_dropped_at_the_ends_alone(text: str, kept: str) -> None:
    assert trimmed(text) == kept


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("123456", "123456"),
        ("123 456", "123456"),
        ("123-456\u200b", "123456"),
        ("\uff11\uff12\uff13\uff14\uff15\uff16", "123456"),
        ("12345x", "12345x"),
        # Not a digit of a code, though it is one somewhere: as it is.
        ("\u0661\u0662\u0663\u0664\u0665\u0666", "\u0661\u0662\u0663\u0664\u0665\u0666"),
        ("1 " * 50_000, "1 " * 50_000),
    ],
)
def test_a_code_is_its_digits_however_they_were_grouped(text: str, code: str) -> None:
    assert digits(text) == code


def fields() -> list[tuple[type[Body], str]]:
    """Every text that is free in every body."""
    modules = (admin, auth, codes, keys, logins, notes, profile, questions, sessions, tokens)
    bodies = {
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Body)
    }
    return sorted(
        (
            (body, name)
            for body in bodies
            for name, told in body.model_json_schema()["properties"].items()
            if {"type": "string"}.items() <= (told | told.get("anyOf", [{}])[0]).items()
            and "enum" not in str(told)
            and "const" not in str(told)
            and "date-time" not in str(told)
        ),
        key=lambda found: (found[0].__name__, found[1]),
    )


@pytest.mark.parametrize(("body", "name"), fields())
def test_every_text_of_a_body_is_trimmed_or_is_one_of_those_that_are_not(
    body: type[Body], name: str
) -> None:
    given = AROUND.format("x")
    field: Any = body.model_fields[name]
    # By itself: the other fields of the body do not matter here.
    alone = create_model("Alone", __config__=body.model_config, value=(field.annotation, field))
    checked: Any = alone.model_validate({"value": given})
    assert checked.value == (given if name in KEPT else "x")


async def test_what_is_sent_on_is_trimmed_but_for_the_password(door: Door) -> None:
    door.auth.answers["Register"] = auth_pb2.RegisterResponse()
    body = {
        "username": AROUND.format("ada"),
        "email": AROUND.format("ada@example.org"),
        "password": AROUND.format("secret"),
        "code": " \uff11\uff12\uff13 456",
    }
    await door.http.post("/api/v1/auth/register", json=body)
    told = door.auth.calls[0].request
    assert (told.username, told.email, told.code) == ("ada", "ada@example.org", "123456")
    assert told.password == body["password"]
    door.auth.answers["ListUsers"] = auth_pb2.ListUsersResponse()
    sought = await door.http.get(
        "/api/v1/admin/users", params={"q": AROUND.format("ada")}, headers=door.bearer
    )
    assert sought.status_code == 200
    assert door.auth.calls[-1].request.query == "ada"


async def test_a_text_keeps_what_it_begins_and_ends_with(door: Door) -> None:
    door.notes.answers["CreateNote"] = notes_pb2.CreateNoteResponse()
    body = {"title": AROUND.format("T"), "content": AROUND.format("C")}
    await door.http.post("/api/v1/notes", json=body, headers=door.bearer)
    told = door.notes.calls[0].request
    assert (told.title, told.content) == ("T", body["content"])
