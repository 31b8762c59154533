"""``python -m gateway [serve|check]``: run the gateway until SIGTERM, or check its settings."""

import argparse

from chassis.core_dumps import forbid_core_dumps
from chassis.loading import prepare_loading
from chassis.settings import UnusableSetting, load_settings, refuse
from gateway.settings import Settings


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
    forbid_core_dumps()
    settings = load_settings(Settings)
    prepare_loading("structlog")
    # Not before its settings have been read: most of a start is loading.
    from chassis.grpc.credentials import read_credentials
    from chassis.listening import check_addresses
    from gateway.wiring import build

    try:
        service = build(settings).service
        if arguments.command == "check":
            # What serving would read first, and refuse.
            read_credentials(settings)
            check_addresses(settings)
    except UnusableSetting as error:
        refuse(error)
    if arguments.command != "check":
        service.run()


if __name__ == "__main__":
    main()
