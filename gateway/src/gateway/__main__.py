"""``python -m gateway [serve|check]``: run the gateway until SIGTERM, or check its settings."""

import argparse

from chassis.settings import load_settings
from gateway.settings import Settings
from gateway.wiring import build


def main() -> None:
    """Read the settings from the environment, and serve."""
    parser = argparse.ArgumentParser(prog="gateway", description="Parley's REST gateway.")
    parser.add_argument(
        "command",
        nargs="?",
        choices=["serve", "check"],
        default="serve",
        help="check: read the settings as the gateway would, and end",
    )
    arguments = parser.parse_args()
    service = build(load_settings(Settings)).service
    if arguments.command != "check":
        service.run()


if __name__ == "__main__":
    main()
