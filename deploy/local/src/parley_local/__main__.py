"""`python -m parley_local`: the whole of Parley on this machine, until Ctrl-C."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from chassis.embedded.child import end_with_parent
from chassis.setting_values import is_port
from parley_local.address import CannotStart
from parley_local.options import Options
from parley_local.output import Terminal, forward_logs
from parley_local.parts import Start, execute
from parley_local.reasons import complain
from parley_local.runner import Runner
from parley_local.topology import parse_replicas

_EPILOG = """\
environment:
  GATEWAY_PORT        port of the REST door (8000); GATEWAY_HOST its address (127.0.0.1)
  PARLEY_DATA         folder that keeps everything (.data)
  DEMO_MODEL_PORT     port of the scripted demo model (the gateway's + 1, if free)
  PARLEY_REPLICAS     several processes of a service: chat-service=2,gateway=2; further
                      gateways get free ports, which the banner names
  AUTH_DATABASE_URL, AUTH_WORKER_DATABASE_URL, AUTH_OWNER_DATABASE_URL and the same for
  APIKEY_, CHAT_, NOTES_: a PostgreSQL of your own instead of the embedded one
  REDIS_URL           likewise
  AUTH_NATS_URL and the same for APIKEY_, CHAT_, NOTES_: likewise, with a user for each service;
  NATS_URL            one user for all four, who then may do everything to each other's events
  Every other setting of a service (NOTES_LOG_LEVEL=debug) goes to that service as it is.
"""


def main(start: Start = execute) -> None:
    """Run until it is stopped; ``start`` starts the services' processes."""
    parser = argparse.ArgumentParser(
        prog="python -m parley_local",
        description="Run all of Parley on this machine, with its own servers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="logs as the JSON lines they are")
    parser.add_argument(
        "--with-parent", action="store_true", help="stop when the process that started this ends"
    )
    parser.add_argument(
        "--web", type=Path, metavar="FOLDER", help="the built pages, which the gateway serves"
    )
    parser.add_argument(
        "--offer-demo",
        action="store_true",
        help="give every user a connection to the demo model, where only this machine gets in",
    )
    arguments = parser.parse_args()
    if arguments.with_parent:
        end_with_parent(os.getppid(), signal.SIGTERM)
    terminal = Terminal(as_json=arguments.json)
    forward_logs(terminal)
    try:
        runner = Runner(_options(arguments), terminal, start)
    except Exception as error:  # noqa: BLE001 - said; the exit code must be ours
        status = complain(terminal, error)
    else:
        status = asyncio.run(runner.run())
    terminal.close()
    sys.exit(status)


def _options(arguments: argparse.Namespace) -> Options:
    return Options(
        data=Path(os.environ.get("PARLEY_DATA") or ".data"),
        gateway_host=os.environ.get("GATEWAY_HOST") or "127.0.0.1",
        gateway_port=_port("GATEWAY_PORT") or 8000,
        demo_port=_port("DEMO_MODEL_PORT"),
        environment=os.environ,
        replicas=parse_replicas(os.environ.get("PARLEY_REPLICAS", "")),
        web=arguments.web,
        offer_demo=arguments.offer_demo,
    )


def _port(variable: str) -> int | None:
    text = os.environ.get(variable)
    if not text:
        return None
    if not is_port(text):
        raise CannotStart(f"settings: {variable}: not a port number from 1 to 65535")
    return int(text)


if __name__ == "__main__":
    main()
