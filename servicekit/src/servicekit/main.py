"""The command line of a service: ``python -m notes_service [serve|check|migrate|dead-letters …]``."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from chassis.core_dumps import forbid_core_dumps
from chassis.dead_letters.command import add_command, run_command
from chassis.loading import prepare_loading
from chassis.settings import UnusableSetting, load_settings, refuse
from servicekit.settings import DatabaseServiceSettings

# A command imports what it needs once its settings have been read.
if TYPE_CHECKING:
    from chassis.service import Service

AnySettings = TypeVar("AnySettings", bound=DatabaseServiceSettings)


@dataclass(frozen=True, slots=True)
class Command(Generic[AnySettings]):
    """A command of one service's own; ``run`` returns the process's exit status.

    ``argument`` is the name of the one word that follows it, if one does, and ``argument_help``
    what that is; ``flag`` a word such as ``--check`` that may follow, and ``flag_help`` what it does.
    """

    name: str
    help: str
    run: Callable[[AnySettings, argparse.Namespace], int]
    argument: str | None = None
    argument_help: str = ""
    flag: str | None = None
    flag_help: str = ""


def main(
    name: str,
    settings_class: type[AnySettings],
    *,
    build: Callable[[AnySettings], "Service"],
    migrations: Path,
    commands: Sequence[Command[AnySettings]] = (),
) -> NoReturn:
    """Do what the command line asks of the service called ``name``; never returns.

    ``build`` makes the service from its settings: it imports the wiring, which the other
    commands do without. Exits with 2 and a line on standard error where a setting is to blame.
    """
    parser = argparse.ArgumentParser(
        prog=name, description=f"Be {name} of Parley, or look after it."
    )
    known = parser.add_subparsers(dest="command")
    known.add_parser("serve", help="be the service, which it is without a command too")
    known.add_parser("check", help="read the settings as the service would, and end")
    known.add_parser("migrate", help="bring its database up to date")
    add_command(known)
    for command in commands:
        subparser = known.add_parser(command.name, help=command.help)
        if command.argument is not None:
            subparser.add_argument(
                command.argument, metavar=command.argument.upper(), help=command.argument_help
            )
        if command.flag is not None:
            subparser.add_argument(command.flag, action="store_true", help=command.flag_help)
    arguments = parser.parse_args()
    forbid_core_dumps()
    settings = load_settings(settings_class)
    try:
        status = _run(name, settings, arguments, build, migrations, commands)
    except UnusableSetting as error:
        refuse(error)
    raise SystemExit(status)


def _run(
    name: str,
    settings: AnySettings,
    arguments: argparse.Namespace,
    build: Callable[[AnySettings], "Service"],
    migrations: Path,
    commands: Sequence[Command[AnySettings]],
) -> int:
    asked = arguments.command or "serve"
    for command in commands:
        if command.name == asked:
            return command.run(settings, arguments)
    if asked in ("serve", "check"):
        prepare_loading("structlog", "nats.aio.transport")
        from chassis.grpc.credentials import read_credentials
        from chassis.listening import check_addresses

        service = build(settings)
        if asked == "serve":
            service.run()
        # What serving would read first, and refuse.
        read_credentials(settings)
        check_addresses(settings)
        return 0
    from chassis.telemetry.logging import configure_logging

    configure_logging(name, settings.log_level)
    if asked == "migrate":
        from chassis.db.migrate_command import migrate_command

        return migrate_command(settings, migrations)
    return run_command(settings.worker_database_url.get_secret_value(), arguments)
