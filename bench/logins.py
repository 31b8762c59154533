"""`python -m bench.logins`: log-ins a second, beside nothing but their argon2.

Starts a Parley of its own, with accounts in it, and logs them in over REST from a growing number
of clients at once: as many as hashes are computed at once, more, and more than may wait. Before
and behind that the same hash is checked in threads, with nothing around it.

Prints for each how many succeeded a second, how long one took, what it cost in CPU, and how many
were told to come back (503 with `Retry-After`). Ends with 1 if anything else was answered.
"""

import argparse
import itertools
import math
import resource
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from argon2 import PasswordHasher

from bench import costs
from bench.clients import Client, UnexpectedAnswerError, clients, for_seconds
from bench.report import machine, percentile
from bench.stack import Stack, StackError, data_folder, stack

# What auth-service does unless it is told otherwise; said to it, so that both do the same.
_MEMORY_KIB, _ITERATIONS, _LANES, _WORKERS, _QUEUE = 19_456, 2, 1, 2, 32
_ENVIRONMENT = {
    # Each client has an address of its own, as people have: none waits for another's counter.
    "GATEWAY_TRUSTED_PROXIES": '["127.0.0.1/32"]',
    "AUTH_PASSWORD_MEMORY_KIB": str(_MEMORY_KIB),
    "AUTH_PASSWORD_ITERATIONS": str(_ITERATIONS),
    "AUTH_PASSWORD_PARALLELISM": str(_LANES),
    "AUTH_PASSWORD_WORKERS": str(_WORKERS),
    "AUTH_PASSWORD_QUEUE": str(_QUEUE),
}
_AT_ONCE = (1, _WORKERS, 16, _WORKERS + _QUEUE, 2 * (_WORKERS + _QUEUE))
_ACCOUNTS = 40


@dataclass(frozen=True, slots=True)
class Row:
    """One load. Seconds; ``cpu`` is of auth-service, ``all_cpu`` of the five services, for one."""

    what: str
    at_once: int
    a_second: float
    p50: float
    p99: float
    cpu: float
    all_cpu: float
    refused: int = 0
    refused_p99: float = math.nan


def main() -> None:
    arguments = _arguments()
    try:
        rows = measure(arguments.seconds)
    except (StackError, UnexpectedAnswerError) as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        sys.exit(1)
    print(machine())
    for line in table(rows):
        print(line)
    if arguments.json is not None:
        content = [asdict(row) for row in rows]
        arguments.json.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def measure(seconds: float) -> list[Row]:
    """Each load for so many seconds, argon2 alone before and behind them."""
    rows = [_raw(1, seconds), _raw(_WORKERS, seconds)]
    with data_folder() as folder, stack(folder, _ENVIRONMENT) as parley:
        with clients(parley.parley.port, 1) as (client,):
            accounts = [_register(client) for _ in range(_ACCOUNTS)]
        for at_once in _AT_ONCE:
            _say(f"{at_once} log-ins at once")
            rows.append(_log_ins(parley, accounts, at_once, seconds))
    return [*rows, _raw(1, seconds), _raw(_WORKERS, seconds)]


def table(rows: Sequence[Row]) -> Iterator[str]:
    """The rows for people."""
    yield (
        f"{'':20}{'at once':>8}{'a second':>10}{'p50, ms':>9}{'p99, ms':>9}"
        f"{'CPU, ms':>9}{'all, ms':>9}{'told to wait':>14}{'in p99, ms':>12}"
    )
    for row in rows:
        yield (
            f"{row.what:20}{row.at_once:8}{row.a_second:10.1f}{row.p50 * 1e3:9.1f}"
            f"{row.p99 * 1e3:9.1f}{row.cpu * 1e3:9.1f}{row.all_cpu * 1e3:9.1f}{row.refused:14}{row.refused_p99 * 1e3:12.1f}"
        )


def _raw(at_once: int, seconds: float) -> Row:
    hasher = PasswordHasher(_ITERATIONS, _MEMORY_KIB, _LANES)
    password = secrets.token_urlsafe(18)
    encoded = hasher.hash(password)

    def verify() -> None:
        hasher.verify(encoded, password)

    before = _own_cpu()
    rounds = for_seconds([verify] * at_once, seconds)
    cpu = (_own_cpu() - before) / len(rounds.seconds)
    return Row(
        what="argon2 alone",
        at_once=at_once,
        a_second=rounds.a_second,
        p50=percentile(rounds.seconds, 0.5),
        p99=percentile(rounds.seconds, 0.99),
        cpu=cpu,
        all_cpu=cpu,
    )


def _log_ins(
    parley: Stack, accounts: Sequence[Mapping[str, str]], at_once: int, seconds: float
) -> Row:
    turns = itertools.cycle(accounts)
    succeeded: list[float] = []
    refused: list[float] = []

    def logs_in(client: Client, number: int) -> Callable[[], None]:
        headers = {"X-Forwarded-For": f"10.0.0.{number + 1}"}

        def log_in() -> None:
            reply = client.ask("POST", "/auth/login", next(turns), headers)
            if reply.status == 200:
                succeeded.append(reply.seconds)
            elif reply.status == 503 and "retry-after" in reply.headers:
                refused.append(reply.seconds)
                # As it was told to; who hammers on takes CPU from everybody.
                time.sleep(float(reply.headers["retry-after"]))
            else:
                raise UnexpectedAnswerError(f"log-in: {reply.status} {reply.content[:300]!r}")

        return log_in

    services = parley.services()
    with clients(parley.parley.port, at_once) as some:
        before = costs.cpu_of(services)
        rounds = for_seconds(
            [logs_in(client, number) for number, client in enumerate(some)], seconds
        )
        spent = costs.spent(before, costs.cpu_of(services))
    return Row(
        what="log-ins",
        at_once=at_once,
        a_second=len(succeeded) / rounds.elapsed,
        p50=percentile(succeeded, 0.5),
        p99=percentile(succeeded, 0.99),
        cpu=spent["auth_service"] / len(succeeded),
        all_cpu=sum(spent.values()) / len(succeeded),
        refused=len(refused),
        refused_p99=percentile(refused, 0.99),
    )


def _register(client: Client) -> Mapping[str, str]:
    name = f"bench-{secrets.token_hex(6)}"
    account = {"username": name, "password": secrets.token_urlsafe(18)}
    reply = client.ask("POST", "/auth/register", account | {"email": f"{name}@example.org"})
    if reply.status != 201:
        raise UnexpectedAnswerError(f"register: {reply.status} {reply.content[:300]!r}")
    return account


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.logins", description="Log-ins a second, beside argon2 alone."
    )
    parser.add_argument("--seconds", type=float, default=10, help="for each load (10)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
