"""`python -m bench.transfer`: what it costs to take all of one's conversations out, and to bring others in.

A Parley of its own. ``export`` fills it with messages of one user, in conversations of fifty, waits until search has
indexed them, and downloads them in each format: the time to the first byte and to the last, then once more with a look
at all processes of the stack, for the most memory that they have together beyond what they had before. With
``--as-if-indexed`` search has nothing to do with the messages, which for millions takes an hour, and with ``--once`` time and memory are of one download, of which the memory
of each kind of process is told. ``import`` uploads an export of ChatGPT's of so many megabytes, made as it is sent, and
waits until it has been read; of both parts it tells the memory of each kind of process. Exit status 1 if a file was not whole or a conversation is missing.
"""

import argparse
import sys

from bench.report import machine
from bench.rest import RefusedError
from bench.stack import StackError, data_folder, stack
from bench.transfer.exports import QUERIES, export_all
from bench.transfer.fill import fill
from bench.transfer.imports import import_one
from parley_local.model_server.process import model_server


def main() -> None:
    arguments = _arguments()
    try:
        with data_folder() as folder, model_server() as model, stack(folder) as parley:
            user = parley.parley.new_user(f"http://127.0.0.1:{model.port}/v1")
            print(machine())
            if arguments.what == "export":
                fill(
                    folder,
                    parley.parley,
                    user,
                    arguments.messages,
                    as_if_indexed=arguments.as_if_indexed,
                )
                whole = export_all(parley, user, arguments)
            else:
                whole = import_one(
                    *(parley, user, arguments.megabytes), again=arguments.again, kill=arguments.kill
                )
    except (StackError, RefusedError) as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        sys.exit(1)
    sys.exit(0 if whole else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.transfer", description=__doc__)
    parser.add_argument("what", choices=("export", "import"))
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--formats", default=",".join(QUERIES))
    parser.add_argument("--as-if-indexed", action="store_true")
    parser.add_argument("--once", action="store_true", help="time and memory of one download")
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--again", action="store_true", help="the same import a second time")
    parser.add_argument("--kill", action="store_true", help="kill chat-service in its middle")
    return parser.parse_args()


if __name__ == "__main__":
    main()
