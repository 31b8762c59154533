"""`python -m bench.rotation`: every stored key is locked anew, while keys are resolved all the time.

A Parley of its own with as many rows as asked for beside those of its users. Meanwhile users begin
conversations with a connection of theirs, each of which resolves its key; the ring has the old and
the next key, as docs/operations.md has it. Prints rows a second, how much memory the command took
when, and how many resolves there were and how many of them failed. Exit status 1 if any did.
"""

import argparse
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from bench import procfs, vault_rows
from bench.report import machine
from bench.rest import Parley, RefusedError
from bench.stack import Stack, StackError, data_folder, stack
from parley_local.command import environment_of
from parley_local.model_server.process import model_server
from parley_local.topology import APIKEY

_SAMPLE_SECONDS = 0.25


@dataclass
class Resolves:
    """What became of those who asked meanwhile."""

    done: int = 0
    failed: list[str] = field(default_factory=list)
    slowest: float = 0.0


def main() -> None:
    arguments = _arguments()
    old, following = vault_rows.new_key(), vault_rows.new_key()
    settings = {"APIKEY_VAULT_KEY": old, "APIKEY_VAULT_OLD_KEYS": following}
    try:
        with (
            data_folder() as folder,
            model_server() as model,
            stack(folder, settings) as parley,
        ):
            turned = {"APIKEY_VAULT_KEY": following, "APIKEY_VAULT_OLD_KEYS": old}
            url = f"http://127.0.0.1:{model.port}/v1"
            environment = environment_of(APIKEY, folder / "data", {**os.environ, **turned})
            vault_rows.insert(environment["APIKEY_WORKER_DATABASE_URL"], old, arguments.rows)
            failed = measure(parley, url, environment, arguments.rows, arguments.users)
    except StackError as error:
        print(error, *error.__notes__, sep="\n", file=sys.stderr)
        sys.exit(1)
    sys.exit(1 if failed else 0)


def measure(
    parley: Stack, base_url: str, environment: dict[str, str], rows: int, users: int
) -> bool:
    """Whether anything failed; what came of it is printed."""
    over = threading.Event()
    resolves = [Resolves() for _ in range(users)]
    asking = [
        threading.Thread(target=_ask, args=(parley.parley, base_url, over, one)) for one in resolves
    ]
    for thread in asking:
        thread.start()
    quiet = _wait(2.0, resolves)
    began = time.monotonic()
    before = sum(one.done for one in resolves)
    command = subprocess.Popen(
        [sys.executable, "-m", "apikey_service", "rotate"], env=environment, stdout=subprocess.PIPE
    )
    memory = []
    while command.poll() is None:
        with suppress(OSError):  # it ends just now
            memory.append(procfs.pss_kib(command.pid))
        time.sleep(_SAMPLE_SECONDS)
    seconds = time.monotonic() - began
    during = sum(one.done for one in resolves) - before
    over.set()
    for thread in asking:
        thread.join()
    output = command.communicate()[0].decode()
    failed = [problem for one in resolves for problem in one.failed]
    print(machine())
    print(output, end="")
    print(f"{rows} rows in {seconds:.1f} s with the start: {rows / seconds:.0f} rows/s")
    tenths = [memory[at * (len(memory) - 1) // 10] // 1024 for at in range(11)] if memory else []
    print(f"PSS of the command from its begin to its end, MiB: {tenths}")
    print(f"resolves: {quiet / 2:.0f}/s before, {during} or {during / seconds:.0f}/s meanwhile")
    print(
        f"failed: {len(failed)} {failed[:3]}; slowest {max(one.slowest for one in resolves):.2f} s"
    )
    return bool(failed) or command.returncode != 0


def _wait(seconds: float, resolves: list[Resolves]) -> int:
    time.sleep(seconds)  # until everybody is at it
    before = sum(one.done for one in resolves)
    time.sleep(seconds)
    return sum(one.done for one in resolves) - before


def _ask(parley: Parley, base_url: str, over: threading.Event, told: Resolves) -> None:
    try:
        user = parley.new_user(base_url)
        while not over.is_set():
            began = time.monotonic()
            # chat-service resolves the key that a conversation is to be held with.
            parley.ask("POST", "/chat/sessions", {"key_id": user.key_id}, user.token)
            told.done += 1
            told.slowest = max(told.slowest, time.monotonic() - began)
    except (RefusedError, OSError) as error:
        told.failed.append(str(error))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.rotation", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=4, help="who resolve keys meanwhile")
    return parser.parse_args()


if __name__ == "__main__":
    main()
