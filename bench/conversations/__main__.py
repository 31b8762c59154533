"""`python -m bench.conversations`: conversations of many users, and what it costs to read them.

`make` starts a Parley on a folder of its own, registers users, and fills it with conversations: the same
ones for the same seed. `measure` starts it again, and asks for lists, pages, searches and
answers at a steady rate, over the public door; it prints p50 and p99, and sizes. `context` times by itself what of
a question makes what the model is given. `plans` prints how PostgreSQL
went about each of them. `long` asks for all that can be done with one long conversation, which it makes.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from bench.conversations import context, long, make, measure, plans
from bench.report import machine
from bench.stack import StackError, stack
from parley_local.model_server.process import model_server


def main() -> None:
    arguments = _arguments()
    # As with Ctrl-C: what was started is stopped in good order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    load = measure.Load(arguments.rate, arguments.seconds, arguments.seed)
    folder: Path = arguments.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with model_server() as model, stack(folder) as parley:
            if arguments.what == "plans":
                plans.print_plans(parley.parley, folder, model.base_url)
                return
            print(machine())
            if arguments.what == "make":
                whole = make.Size(arguments.messages, arguments.sessions, arguments.users)
                make.fill(parley.parley, folder, whole, seed=arguments.seed)
            elif arguments.what == "long":
                size, seed = arguments.long_messages, arguments.seed
                long.measure(parley.parley, folder, model.base_url, messages=size, seed=seed)
            elif arguments.what == "context":
                context.measure(parley, folder, model.base_url, load)
            else:
                failed = asyncio.run(
                    measure.measure(
                        parley,
                        folder,
                        model.base_url,
                        load,
                        only=arguments.only,
                        without_filters=arguments.without_filters,
                    )
                )
                sys.exit(1 if failed else 0)
    except StackError as error:
        print(error, *error.__notes__, sep="\n", file=sys.stderr)
        sys.exit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.conversations", description=__doc__)
    parser.add_argument("what", choices=("make", "measure", "context", "plans", "long"))
    parser.add_argument("--folder", type=Path, default=Path(".data/bench-conversations"))
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--long-messages", type=int, default=20_000, help="of the long one")
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each kind")
    parser.add_argument("--only", action="append", help="such kinds alone: list, search …")
    parser.add_argument(
        "--without-filters",
        type=int,
        default=0,
        help="measure while so many texts get their filters",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
