"""Personal access tokens that are none: who guesses has to wait, and nobody else."""

from functools import partial
from typing import Any

import pytest

from chassis.testing import eventually
from gateway.identity.rate_limit import GuessRateLimit, TooManyGuesses
from gateway.wiring import build

from .door import Door
from .personal_tokens import NOTES, InvalidToken, bearing, exchanges, grants, revoke, secret


@pytest.fixture
def door(own_door: Door) -> Door:
    """It remembers tokens, and who guessed."""
    return own_door


async def test_a_wrong_token_is_refused_like_any_other(door: Door) -> None:
    door.auth.answers["ExchangeToken"] = InvalidToken()
    same = {"x-request-id": "same"}
    absent = await door.http.get(NOTES, headers=same)
    for token in (secret(), secret()[:-1], f"{secret()}0", "parley_pat_", "parley_pat_*"):
        response = await door.http.get(NOTES, headers={**same, **bearing(token)})
        assert (response.status_code, response.text) == (401, absent.text)
    # What has not even the shape of one is not asked for.
    assert exchanges(door) == 1


async def test_who_guesses_has_to_wait_and_a_good_token_goes_on(open_door: Any) -> None:
    door = await open_door(trusted_proxies=("127.0.0.0/8",))
    guesser = {"x-forwarded-for": "192.0.2.7"}
    grants(door)
    good = {**bearing(secret()), **guesser}
    assert (await door.http.get(NOTES, headers=good)).status_code == 200
    door.auth.answers["ExchangeToken"] = InvalidToken()
    for number in range(1, 31):
        headers = {**bearing(secret(number)), **guesser}
        assert (await door.http.get(NOTES, headers=headers)).status_code == 401
    assert exchanges(door) == 31

    for number in range(31, 40):
        response = await door.http.get(NOTES, headers={**bearing(secret(number)), **guesser})
        assert (response.status_code, response.json()["reason"]) == (429, "TOO_MANY_ATTEMPTS")
        assert 1 <= int(response.headers["retry-after"]) <= 61
    assert exchanges(door) == 31
    assert (await door.http.get(NOTES, headers=good)).status_code == 200
    elsewhere = {**bearing(secret(99)), "x-forwarded-for": "192.0.2.8"}
    assert (await door.http.get(NOTES, headers=elsewhere)).status_code == 401


async def test_dead_tokens_that_are_polled_are_one_guess_each(open_door: Any) -> None:
    door = await open_door(builder=partial(build, refused_seconds=0.0))
    door.auth.answers["ExchangeToken"] = InvalidToken()
    for _ in range(15):
        for number in (1, 2, 3):
            response = await door.http.get(NOTES, headers=bearing(secret(number)))
            assert response.status_code == 401
    assert exchanges(door) == 45

    grants(door)
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200


async def test_a_token_that_was_good_is_asked_for_again_whatever_its_neighbours_guess(
    door: Door,
) -> None:
    # What it is exchanged for is over too soon to be begun with a second time.
    grants(door, lifetime=29)
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    granted = door.auth.answers["ExchangeToken"]
    door.auth.answers["ExchangeToken"] = InvalidToken()
    guesses = [
        await door.http.get(NOTES, headers=bearing(secret(number))) for number in range(1, 32)
    ]
    assert guesses[-1].status_code == 429

    door.auth.answers["ExchangeToken"] = granted
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    # Once it is refused it is like any other.
    door.auth.answers["ExchangeToken"] = InvalidToken()
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 401


async def test_what_was_granted_and_is_revoked_here_is_no_guess_and_soon_good_again(
    door: Door,
) -> None:
    revoked = grants(door)
    assert (await door.http.get(NOTES, headers=bearing(secret()))).status_code == 200
    revoke(door, revoked)

    async def refused() -> bool:
        response = await door.http.get(NOTES, headers=bearing(secret()))
        return bool(response.status_code == 401)

    await eventually(refused, 5)
    for _ in range(40):
        assert await refused()
    grants(door)
    assert not await refused()
    assert (await door.http.get(NOTES, headers=bearing(secret(1)))).status_code == 200


def test_of_an_ipv6_network_all_addresses_are_one() -> None:
    guesses = GuessRateLimit()
    for number in range(30):
        guesses.check("2001:db8::ffff")
        guesses.note(f"2001:db8::{number:x}")
    with pytest.raises(TooManyGuesses):
        guesses.check("2001:db8::ffff")
    for other in ("2001:db8:0:1::1", "192.0.2.1", "unix", ""):
        guesses.check(other)
