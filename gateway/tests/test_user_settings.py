"""A user's settings over HTTP: typed, and null takes back."""

from typing import Any

import pytest

from chassis.errors import Unavailable
from parley.auth.v1 import auth_pb2 as pb
from parley.chat.v1 import user_settings_pb2

from .door import Door

PATH = "/api/v1/me/settings"
DEFAULTS = {
    "language": None,
    "theme": "system",
    "instructions": "",
    "default_persona": None,
    "titles_by_model": False,
    "retention_days": None,
    "enter_sends": True,
    "version": 0,
}
GIVEN: dict[str, Any] = {
    "language": "zh",
    "theme": "dark",
    "instructions": " Be brief. ",
    "default_persona": "A teacher",
    "titles_by_model": True,
    "retention_days": 30,
    "enter_sends": False,
}


async def test_what_holds_by_default_and_what_was_set_are_shown(door: Door) -> None:
    told = [
        pb.UserSettings(theme=pb.THEME_SYSTEM, enter_sends=True),
        pb.UserSettings(**{**GIVEN, "theme": pb.THEME_DARK}, version=4),
    ]
    for settings, shown in zip(told, (DEFAULTS, {**GIVEN, "version": 4}), strict=True):
        door.auth.answers["GetUserSettings"] = pb.GetUserSettingsResponse(settings=settings)
        answer = await door.http.get(PATH, headers=door.bearer)
        assert (answer.status_code, answer.json()) == (200, shown)


async def test_what_is_given_is_set_and_what_is_null_is_reset(door: Door) -> None:
    door.auth.answers["UpdateUserSettings"] = pb.UpdateUserSettingsResponse(
        settings=pb.UserSettings(theme=pb.THEME_LIGHT)
    )
    door.chat.answers["TakeUserSettings"] = user_settings_pb2.TakeUserSettingsResponse()
    cases: list[tuple[dict[str, Any], pb.UpdateUserSettingsRequest]] = [
        (
            {**GIVEN, "language": " zh\u200b"},
            pb.UpdateUserSettingsRequest(**{**GIVEN, "theme": pb.THEME_DARK}),
        ),
        (dict.fromkeys(GIVEN), pb.UpdateUserSettingsRequest(reset=sorted(GIVEN))),
        (
            {"theme": "light", "language": None},
            pb.UpdateUserSettingsRequest(theme=pb.THEME_LIGHT, reset=["language"]),
        ),
        ({}, pb.UpdateUserSettingsRequest()),
    ]
    for body, request in cases:
        answer = await door.http.patch(PATH, json=body, headers=door.bearer)
        assert (answer.status_code, answer.json()["theme"]) == (200, "light")
        assert door.auth.calls[-1].request == request
        assert door.auth.calls[-1].token == door.caller.token
    # Behind each change chat-service is told to look.
    assert [call.method for call in door.chat.calls] == ["TakeUserSettings"] * len(cases)


async def test_what_chat_service_cannot_take_yet_is_set_all_the_same(door: Door) -> None:
    door.auth.answers["UpdateUserSettings"] = pb.UpdateUserSettingsResponse(
        settings=pb.UserSettings(theme=pb.THEME_LIGHT, version=3)
    )
    door.chat.answers["TakeUserSettings"] = Unavailable()
    answer = await door.http.patch(PATH, json={"theme": "light"}, headers=door.bearer)
    assert (answer.status_code, answer.json()["version"]) == (200, 3)


async def test_what_could_not_be_set_is_told_to_nobody(door: Door) -> None:
    door.auth.answers["UpdateUserSettings"] = Unavailable()
    answer = await door.http.patch(PATH, json={"theme": "light"}, headers=door.bearer)
    assert answer.status_code == 503
    assert door.chat.calls == []


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"colour": "red"}, {"field": "colour", "reason": "UNKNOWN_FIELD"}),
        ({"version": 3}, {"field": "version", "reason": "UNKNOWN_FIELD"}),
        ({"user_id": "x"}, {"field": "user_id", "reason": "UNKNOWN_FIELD"}),
        ({"theme": "black"}, {"field": "theme", "reason": "NOT_ONE_OF"}),
        ({"language": 1}, {"field": "language", "reason": "WRONG_TYPE"}),
        ({"instructions": "\0"}, {"field": "instructions", "reason": "INVALID_CHARACTER"}),
        ({"titles_by_model": "yes"}, {"field": "titles_by_model", "reason": "WRONG_TYPE"}),
        ({"enter_sends": 1}, {"field": "enter_sends", "reason": "WRONG_TYPE"}),
        (
            {"retention_days": 0},
            {"field": "retention_days", "reason": "TOO_SMALL", "minimum": 1},
        ),
        (
            {"retention_days": 1.5},
            {"field": "retention_days", "reason": "WRONG_TYPE"},
        ),
        (
            {"retention_days": 10**18},
            {"field": "retention_days", "reason": "TOO_LARGE", "maximum": 3650},
        ),
    ],
)
async def test_what_does_not_fit_is_named_and_goes_nowhere(
    door: Door, body: dict[str, Any], error: dict[str, Any]
) -> None:
    answer = await door.http.patch(PATH, json=body, headers=door.bearer)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [error]
    assert [call for call in door.auth.calls if "Settings" in call.method] == []
