"""``python -m apikey_service``: be apikey-service, or look after it."""

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING, Final, NoReturn

from apikey_service.migrations import MIGRATIONS
from apikey_service.settings import NAME, Settings
from chassis.errors import AppError
from chassis.telemetry.logging import configure_logging
from servicekit import main as command_line

if TYPE_CHECKING:
    from apikey_service.usecases.rotate import Progress
    from chassis.service import Service

_SAY_SECONDS: Final = 1.0
_INTERRUPTED_STATUS: Final = 130


def main() -> NoReturn:
    command_line.main(
        NAME,
        Settings,
        build=_build,
        migrations=MIGRATIONS,
        commands=[
            command_line.Command(
                "rotate",
                "lock every stored key with APIKEY_VAULT_KEY, whichever locks it now",
                _rotate,
                flag="--check",
                flag_help="change nothing: say which key locks how many",
            )
        ],
    )


def _build(settings: Settings) -> "Service":
    from apikey_service.wiring import build

    return build(settings)


def _rotate(settings: Settings, arguments: argparse.Namespace) -> int:
    """0: everything is locked with the current key; 1: something is not, and it says what."""
    from apikey_service.wiring import count_sealed, rotate_keys

    configure_logging(NAME, settings.log_level)
    try:
        if not arguments.check:
            said = _Said()
            progress = asyncio.run(rotate_keys(settings, said))
            said.at_last(progress)
        census = asyncio.run(count_sealed(settings))
    except AppError as error:
        print(f"rotate: {error.detail} Run it again: it goes on.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("rotate: interrupted. Run it again: it goes on.", file=sys.stderr)
        return _INTERRUPTED_STATUS
    for kek_id, ring, count in census:
        print(f"{kek_id}  {ring:<8} {count}", flush=True)
    left = sum(count for _, ring, count in census if ring != "current")
    if left:
        print(f"rotate: {left} secrets are not on the current key", file=sys.stderr)
    return 1 if left else 0


class _Said:
    """Progress on standard output, a line a second at most."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def __call__(self, progress: "Progress") -> None:
        if (now := time.monotonic()) - self._last >= _SAY_SECONDS:
            self._last = now
            self._print(progress)

    def at_last(self, progress: "Progress") -> None:
        self._print(progress)
        for key_id in progress.named:
            print(f"does not open, and stays as it is: {key_id}", flush=True)

    def _print(self, progress: "Progress") -> None:
        seconds = time.monotonic() - self._began
        print(
            f"{progress.rewrapped} rows locked anew in {seconds:.1f} s,"
            f" {progress.unreadable} do not open",
            flush=True,
        )


if __name__ == "__main__":
    main()
