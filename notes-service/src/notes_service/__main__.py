"""``python -m notes_service [serve|check|migrate|dead-letters …]``: be the service, or look after it."""

import argparse

from chassis import dead_letters
from chassis.settings import load_settings
from chassis.telemetry.logging import configure_logging
from notes_service.settings import Settings
from notes_service.wiring import MIGRATIONS, NAME, build


def main() -> None:
    parser = argparse.ArgumentParser(prog="notes-service", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="be the service, which it is without a command too")
    commands.add_parser("check", help="read the settings as the service would, and end")
    commands.add_parser("migrate", help="bring its database up to date")
    dead_letters.add_command(commands)
    arguments = parser.parse_args()
    settings = load_settings(Settings)
    if arguments.command == "migrate":
        # Alembic takes memory and time: only who migrates pays for it.
        from chassis.db.migrate import run_command

        parser.exit(run_command(settings, MIGRATIONS, name=NAME, log_level=settings.log_level))
    elif arguments.command == "dead-letters":
        configure_logging(NAME, settings.log_level)
        worker_url = settings.worker_database_url.get_secret_value()
        parser.exit(dead_letters.run_command(worker_url, arguments))
    else:
        service = build(settings)
        if arguments.command != "check":
            service.run()


if __name__ == "__main__":
    main()
