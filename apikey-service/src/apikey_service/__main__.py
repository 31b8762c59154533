"""``python -m apikey_service``: be apikey-service, or look after it."""

from typing import TYPE_CHECKING, NoReturn

from apikey_service.migrations import MIGRATIONS
from apikey_service.settings import NAME, Settings
from servicekit import main as command_line

if TYPE_CHECKING:
    from chassis.service import Service


def main() -> NoReturn:
    command_line.main(NAME, Settings, build=_build, migrations=MIGRATIONS)


def _build(settings: Settings) -> "Service":
    from apikey_service.wiring import build

    return build(settings)


if __name__ == "__main__":
    main()
