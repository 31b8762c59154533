"""`python -m bench.enumeration`: can it be timed whether an account exists?

Starts a Parley of its own, with accounts whose addresses are verified, and times log-ins (with a
wrong password) and `send-code` for them and for accounts that do not exist, by turns, in random
order within each pair, over one connection. What is sent behind an answer may slow down what
follows: so the request behind each `send-code` is timed as well.

With `--smtp` codes leave by mail, for a mail server beside it.

Prints for each how well the two can be told apart: the AUC, where 0.5 is chance, with its 99 %
lower bound. Ends with 1 if that is above `--bar` for any of them.
"""

import argparse
import http.client
import itertools
import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import orjson

from bench.distinguish import Distinction, distinguish
from bench.stack import StackError, data_folder, stack
from chassis.embedded import free_port

# As often as the limits let one account be tried within ten minutes.
_TRIES = 3
_CODES_SECONDS = 60.0
_WARM_UP = 40
_ENVIRONMENT = {
    # Each request comes from an address of its own: what is timed is no refusal by a limit.
    "GATEWAY_TRUSTED_PROXIES": '["127.0.0.1/32"]',
    "AUTH_CODES_PER_HOUR": "1000000",
    "AUTH_CODE_QUEUE": "1000",
}


@dataclass(frozen=True, slots=True)
class Account:
    """A name and an address: of somebody, or of nobody."""

    name: str
    email: str

    @classmethod
    def made_up(cls) -> "Account":
        name = f"bench-{secrets.token_hex(6)}"
        return cls(name, f"{name}@example.org")


class Door:
    """The gateway over one connection, as many clients."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._addresses = (
            f"10.{a}.{b}.{c}"
            for a, b, c in itertools.product(range(256), range(256), range(1, 255))
        )

    def post(self, path: str, body: object, *expected: int) -> float:
        """Seconds until the whole answer was there; it must have one of these statuses."""
        payload = orjson.dumps(body)
        headers = {
            "Content-Type": "application/json",
            "X-Forwarded-For": next(self._addresses),
        }
        began = time.perf_counter()
        self._connection.request("POST", f"/api/v1{path}", payload, headers)
        response = self._connection.getresponse()
        content = response.read()
        took = time.perf_counter() - began
        if response.status not in expected:
            raise StackError(f"POST {path}: {response.status} {content[:300].decode()}")
        return took

    def log_in(self, account: Account) -> float:
        return self.post("/auth/login", {"username": account.name, "password": "not it"}, 401)

    def send_code(self, account: Account, purpose: str) -> float:
        return self.post("/auth/send-code", {"email": account.email, "purpose": purpose}, 202)


class Console:
    """Codes as the log shows them."""

    environment: Mapping[str, str] = {}

    def codes(self, folder: Path) -> Mapping[str, str]:
        """By address."""
        lines = (folder / "runner.log").read_text(encoding="utf-8", errors="replace").splitlines()
        told = [json.loads(line) for line in lines if '"code.on_console"' in line]
        return {line["to"]: line["code"] for line in told}


class Post:
    """A mail server, a process of its own, that keeps what it is sent."""

    def __init__(self, directory: Path, port: int) -> None:
        self.environment = {
            "AUTH_DELIVERY": "smtp",
            "AUTH_SMTP_HOST": "127.0.0.1",
            "AUTH_SMTP_PORT": str(port),
            "AUTH_SMTP_SECURITY": "none",
            "AUTH_SMTP_SENDER": "parley@example.com",
        }
        self._mails = directory / "mails"

    def codes(self, folder: Path) -> Mapping[str, str]:  # noqa: ARG002 - as the console
        """By address."""
        mails = [message_from_bytes(path.read_bytes()) for path in self._mails.glob("new/*")]
        return {str(mail["To"]): str(mail.get_payload()).split()[0] for mail in mails}


@contextmanager
def post() -> Iterator[Post]:
    """A running one, on a free port."""
    with tempfile.TemporaryDirectory(prefix="parley-bench-mails-") as folder:
        directory, port = Path(folder), free_port()
        command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}"]
        keep = ["-c", "aiosmtpd.handlers.Mailbox", str(directory / "mails")]
        server = subprocess.Popen([*command, *keep])
        try:
            yield Post(directory, port)
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    arguments = _arguments()
    try:
        with post() if arguments.smtp else nullcontext(Console()) as delivery:
            results = measure(arguments.samples, delivery)
    except StackError as error:
        print(error, *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        sys.exit(1)
    for line in table(results):
        print(line)
    if arguments.json is not None:
        content = {name: _as_json(result) for name, result in results.items()}
        arguments.json.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    sys.exit(any(result.lower > arguments.bar for result in results.values()))


def measure(samples: int, delivery: Console | Post) -> dict[str, Distinction]:
    """``samples`` of each kind, for accounts that exist and for as many that do not."""
    number = -(-(samples + _WARM_UP) // _TRIES)
    environment = {**_ENVIRONMENT, **delivery.environment}
    with data_folder() as folder, stack(folder, environment) as parley:
        door = Door(parley.parley.port)
        somebody = [Account.made_up() for _ in range(number)]
        nobody = [Account.made_up() for _ in range(number)]
        _say(f"registering {number} accounts with verified addresses")
        _register(door, somebody, lambda: delivery.codes(folder))
        _say(f"timing {samples} pairs of log-ins")
        log_ins = _times(somebody, nobody, samples, lambda account: (door.log_in(account),))

        def send(account: Account) -> tuple[float, ...]:
            took = door.send_code(account, "password_reset")
            return took, door.log_in(Account.made_up())

        _say(f"timing {samples} pairs of send-code")
        sent = _times(somebody, nobody, samples, send)
    return {
        "log-in": distinguish(*_column(log_ins, 0)),
        "send-code": distinguish(*_column(sent, 0)),
        "a log-in behind send-code": distinguish(*_column(sent, 1)),
    }


def table(results: dict[str, Distinction]) -> Iterator[str]:
    """The results for people."""
    yield f"{'':26}{'exists, ms':>12}{'does not':>10}{'AUC':>8}{'99 % ≥':>9}"
    for name, result in results.items():
        yield (
            f"{name:26}{result.first * 1e3:12.2f}{result.second * 1e3:10.2f}"
            f"{result.auc:8.3f}{result.lower:9.3f}"
        )


Times = tuple[list[tuple[float, ...]], list[tuple[float, ...]]]


def _times(
    somebody: Sequence[Account],
    nobody: Sequence[Account],
    samples: int,
    take: Callable[[Account], tuple[float, ...]],
) -> Times:
    """What ``take`` measures, of either kind, pair by pair; the first pairs warm up alone."""
    turns = [list(accounts) * _TRIES for accounts in (somebody, nobody)]
    for accounts in turns:
        random.shuffle(accounts)
    times: Times = ([], [])
    for pair in itertools.islice(zip(*turns, strict=True), samples + _WARM_UP):
        for kind in random.sample((0, 1), 2):
            times[kind].append(take(pair[kind]))
    return times[0][_WARM_UP:], times[1][_WARM_UP:]


def _column(times: Times, number: int) -> tuple[list[float], list[float]]:
    first, second = times
    return [row[number] for row in first], [row[number] for row in second]


def _register(
    door: Door, accounts: Sequence[Account], codes_sent: Callable[[], Mapping[str, str]]
) -> None:
    for account in accounts:
        door.send_code(account, "register")
    codes = _codes(codes_sent, len(accounts))
    for account in accounts:
        body = {
            "username": account.name,
            "email": account.email,
            "password": secrets.token_urlsafe(18),
            "code": codes[account.email],
        }
        door.post("/auth/register", body, 201)


def _codes(codes_sent: Callable[[], Mapping[str, str]], count: int) -> Mapping[str, str]:
    """The codes by address, once there are ``count`` of them."""
    deadline = time.monotonic() + _CODES_SECONDS
    while time.monotonic() < deadline:
        codes = codes_sent()
        if len(codes) == count:
            return codes
        time.sleep(0.2)
    raise StackError("not every code was sent")


def _as_json(result: Distinction) -> dict[str, float]:
    return {
        "auc": result.auc,
        "auc_lower_99": result.lower,
        "exists_p50_seconds": result.first,
        "does_not_p50_seconds": result.second,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.enumeration",
        description="Times log-ins and codes of accounts that exist and that do not.",
    )
    parser.add_argument("--samples", type=int, default=1000, help="of each kind (1000)")
    parser.add_argument("--smtp", action="store_true", help="codes leave by mail")
    parser.add_argument("--bar", type=float, default=0.55, help="highest good lower bound (0.55)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
