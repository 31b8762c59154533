"""Times of one process that rest on times of another, as shipped."""

import re
from types import SimpleNamespace

import pytest
from starlette.requests import Request
from starlette.responses import Response

from auth_service.credentials.keyring import ACTIVATION_SECONDS
from auth_service.domain.trust import REVOCATION_LIFE
from auth_service.wiring.trust import READ_KEYS_SECONDS
from chassis.grpc.caller import LONGEST_SECONDS
from chat_service import apikeys
from chat_service.connections.usecases import models
from chat_service.connections.usecases.trial import Patience
from chat_service.files import uploading
from chat_service.files.decoding import decode
from gateway.routers.jwks import jwks
from gateway.settings import Settings


async def test_a_key_signs_only_when_every_kept_jwks_shows_it() -> None:
    # Before that, whoever verifies with a JWKS from just before it was read would refuse good tokens.
    trust = SimpleNamespace(public_keys=dict)
    app = SimpleNamespace(state=SimpleNamespace(trust=trust))
    response = Response()
    await jwks(Request({"type": "http", "app": app}), response)
    kept = re.search(r"max-age=(\d+)", response.headers["cache-control"])
    assert kept is not None
    assert READ_KEYS_SECONDS + int(kept[1]) < ACTIVATION_SECONDS


@pytest.mark.parametrize("trying", [Patience().first + Patience().others, models._SECONDS])
def test_who_tries_a_connection_hears_what_chat_service_found(trying: float) -> None:
    # Resolved at apikey-service first; given up sooner, it would be a 504 that says nothing of the server.
    deadline = float(Settings.model_fields["chat_trying_deadline_seconds"].default)
    assert apikeys._DEADLINE_SECONDS + trying < deadline


def test_who_uploads_hears_that_the_file_is_kept() -> None:
    # Given up sooner, it would be a 504 for a file that is there. Storage has a fifth of the time to itself.
    deadline = float(Settings.model_fields["chat_upload_deadline_seconds"].default)
    assert uploading.file_readers()._most_seconds + decode.MOST_SECONDS < 0.8 * deadline


def test_nothing_outlives_its_token_for_as_long_as_revocations_are_remembered() -> None:
    assert REVOCATION_LIFE.total_seconds() - 600 > LONGEST_SECONDS
