"""`python -m parley_local.model_server`: serves until SIGTERM; prints a line of JSON with its `port`
when it listens.
"""

import argparse
import asyncio
import json
import signal
import sys

from parley_local.model_server.behaviours import RULES
from parley_local.model_server.pictures import FORMS
from parley_local.model_server.server import ModelServer
from parley_local.model_server.strict_roles import FORM


def main() -> None:
    arguments = _parser().parse_args()
    if sys.platform == "win32":
        asyncio.run(serve(arguments.host, arguments.port, arguments.show_messages))
    else:
        import uvloop

        uvloop.run(serve(arguments.host, arguments.port, arguments.show_messages))


async def serve(host: str, port: int, show_messages: bool) -> None:
    """Listens and says where; returns on SIGTERM or SIGINT, dropping what is open."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopped.set)
    model_server = ModelServer(show_messages=show_messages)
    server = await loop.create_server(model_server.connection, host, port, backlog=1024)
    chosen = server.sockets[0].getsockname()[1]
    print(json.dumps({"event": "model_server.listening", "port": chosen}), flush=True)
    await stopped.wait()
    server.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m parley_local.model_server",
        description=__import__("parley_local.model_server").__doc__,
        epilog="models:\n"
        + "\n".join(
            f"  {form:<22} {does}"
            for form, does in (*((one.form, one.does) for one in RULES), FORM, *FORMS)
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: a free one is chosen")
    parser.add_argument(
        "--show-messages", action="store_true", help="let /counters show the last request's texts"
    )
    return parser


if __name__ == "__main__":
    main()
