"""``python -m auth_service [serve|check|migrate|rotate-key|make-operator NAME|dead-letters …]``:
be the service, or look after it.
"""

import argparse
import asyncio

from auth_service.credentials.keyring import RIPE_SECONDS, rotate
from auth_service.credentials.signing import UnusableSigningKey
from auth_service.settings import Settings
from auth_service.wiring import MIGRATIONS, NAME, build, make_operator, where_keys_are
from chassis import dead_letters
from chassis.errors import AppError
from chassis.settings import UnusableSetting, load_settings, refuse
from chassis.telemetry.logging import configure_logging


def main() -> None:
    parser = argparse.ArgumentParser(prog="auth-service", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="be the service, which it is without a command too")
    commands.add_parser("check", help="read the settings as the service would, and end")
    commands.add_parser("migrate", help="bring its database up to date")
    commands.add_parser("rotate-key", help="give it a new signing key")
    operator = commands.add_parser("make-operator", help="give an active user every right")
    operator.add_argument("name", metavar="NAME", help="the username")
    dead_letters.add_command(commands)
    arguments = parser.parse_args()
    settings = load_settings(Settings)
    if arguments.command == "migrate":
        # Alembic takes memory and time: only who migrates pays for it.
        from chassis.db.migrate import run_command

        parser.exit(run_command(settings, MIGRATIONS, name=NAME, log_level=settings.log_level))
    if arguments.command == "dead-letters":
        configure_logging(NAME, settings.log_level)
        worker_url = settings.worker_database_url.get_secret_value()
        parser.exit(dead_letters.run_command(worker_url, arguments))
    if arguments.command == "make-operator":
        configure_logging(NAME, settings.log_level)
        try:
            made = asyncio.run(make_operator(settings, arguments.name))
        except AppError as error:
            parser.exit(1, f"make-operator: {error.detail}\n")
        if not made:
            parser.exit(1, "make-operator: there is no active user of that name\n")
        return
    try:
        if arguments.command == "rotate-key":
            _rotate_key(settings)
            return
        service = build(settings)
    except UnusableSetting as error:
        refuse(error)
    except UnusableSigningKey as error:
        parser.exit(2, f"settings: AUTH_SIGNING_KEYS_DIR or AUTH_SIGNING_KEY_FILE: {error}\n")
    if arguments.command != "check":
        service.run()


def _rotate_key(settings: Settings) -> None:
    rotation = rotate(where_keys_are(settings))
    print(f"Added {rotation.kid}; it signs in {RIPE_SECONDS:.0f} seconds, wherever it is by then.")
    for name in rotation.removed:
        print(f"Removed {name}: no token of it is good any more.")


if __name__ == "__main__":
    main()
