"""``python -m gateway [serve]``: run the gateway until SIGTERM."""

import argparse

from chassis.settings import load_settings
from gateway.settings import Settings
from gateway.wiring import build


def main() -> None:
    """Read the settings from the environment and serve."""
    parser = argparse.ArgumentParser(prog="gateway", description="Parley's REST gateway.")
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve")
    parser.parse_args()
    build(load_settings(Settings)).service.run()


if __name__ == "__main__":
    main()
