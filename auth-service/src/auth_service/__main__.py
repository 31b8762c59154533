"""``python -m auth_service``: run auth-service, or one of its commands."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, NoReturn

from auth_service.migrations import MIGRATIONS
from auth_service.settings import NAME, Settings
from chassis.errors import AppError
from chassis.settings import UNUSABLE_STATUS
from chassis.telemetry.logging import configure_logging
from servicekit import main as command_line

if TYPE_CHECKING:
    from chassis.service import Service


def main() -> NoReturn:
    command_line.main(
        NAME,
        Settings,
        build=_build,
        migrations=MIGRATIONS,
        commands=[
            command_line.Command("rotate-key", "give it a new signing key", _rotate_key),
            command_line.Command(
                "make-operator",
                "give an active user every right",
                _make_operator,
                argument="name",
                argument_help="the username",
            ),
        ],
    )


def _build(settings: Settings) -> "Service":
    from auth_service.credentials.signing import UnusableSigningKey
    from auth_service.wiring import build

    try:
        return build(settings)
    except UnusableSigningKey as error:
        raise SystemExit(_refuse_keys(error)) from None


def _rotate_key(settings: Settings, _: argparse.Namespace) -> int:
    from auth_service.credentials.keyring import ACTIVATION_SECONDS, rotate
    from auth_service.credentials.signing import UnusableSigningKey
    from auth_service.wiring import signing_keys_path

    try:
        rotation = rotate(signing_keys_path(settings))
    except UnusableSigningKey as error:
        return _refuse_keys(error)
    print(
        f"Added {rotation.kid}; it signs in {ACTIVATION_SECONDS:.0f} seconds, wherever it is by then."
    )
    for name in rotation.removed:
        print(f"Removed {name}: no token of it is good any more.")
    return 0


def _refuse_keys(error: Exception) -> int:
    print(f"settings: AUTH_SIGNING_KEYS_DIR or AUTH_SIGNING_KEY_FILE: {error}", file=sys.stderr)
    return UNUSABLE_STATUS


def _make_operator(settings: Settings, arguments: argparse.Namespace) -> int:
    from auth_service.wiring import make_operator

    configure_logging(NAME, settings.log_level)
    try:
        made = asyncio.run(make_operator(settings, arguments.name))
    except AppError as error:
        print(f"make-operator: {error.detail}", file=sys.stderr)
        return 1
    if not made:
        print("make-operator: there is no active user of that name", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    main()
