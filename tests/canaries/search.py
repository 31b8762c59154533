"""Looks for canaries in whatever a stack has left: a folder of evidence, and the stack's own."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import httpx
import redis

from chassis.embedded.binaries import postgres_bin
from tests.members import SERVICES as MODULES
from tests.stack import Stack
from tests.traces import SERVICES

from .canary import Canary


def gather(stack: Stack, evidence: Path) -> None:
    """Put what is no file of the stack's into ``evidence``: rows, Redis, metrics.

    Logs, PostgreSQL's own files, Redis's and NATS's are in the stack's folder anyway.
    """
    for service in SERVICES:
        dump = subprocess.run(
            [postgres_bin() / "pg_dump", "--data-only", "--inserts", stack.database_url(service)],
            capture_output=True,
            check=True,
        )
        (evidence / f"rows of {service}").write_bytes(dump.stdout)
    with redis.Redis.from_url(stack.redis_url) as client:
        told = b"\n".join(b"%b %b" % (key, _value(client, key)) for key in client.scan_iter())
    (evidence / "redis").write_bytes(told)
    for module in MODULES:
        for member in stack.members(module):
            answer = httpx.get(f"http://127.0.0.1:{member.metrics_port}/metrics", verify=False)
            assert answer.status_code == 200
            (evidence / f"metrics of {member}").write_bytes(answer.content)


def _value(client: "redis.Redis", key: bytes) -> bytes:
    match client.type(key):
        case b"string":
            value: object = client.get(key)
        case b"stream":
            value = client.xrange(key)
        case b"hash":
            value = client.hgetall(key)
        case b"list":
            value = client.lrange(key, 0, -1)
        case b"set":
            value = client.smembers(key)
        case b"zset":
            value = client.zrange(key, 0, -1, withscores=True)
        case kind:
            raise AssertionError(f"a {kind!r} is in Redis")
    # Not as repr has it: what it escapes would have another spelling.
    return b"\n".join(_texts(value))


def _texts(value: object) -> Iterable[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _texts(pair)
    elif isinstance(value, list | tuple | set):
        for one in value:
            yield from _texts(one)


def found(canaries: Iterable[Canary], places: Iterable[Path], scratch: Path) -> dict[str, set[str]]:
    """By canary, the files below ``places`` in which it or a piece of it stands, in any spelling."""
    needles = {canary.name: list(canary.needles()) for canary in canaries}
    # All at once first: most files hold none of them, and there are some hundred megabytes.
    suspects = _grep([needle for some in needles.values() for needle in some], places, scratch)
    there = {name: _grep(some, map(Path, suspects), scratch) for name, some in needles.items()}
    assert suspects == set().union(*there.values()), "a file that went before it was looked at"
    return there


def _grep(needles: Iterable[bytes], places: Iterable[Path], scratch: Path) -> set[str]:
    if not (looked_through := list(places)):
        return set()
    file = scratch / "needles"
    file.write_bytes(b"\n".join(dict.fromkeys(needles)) + b"\n")
    assert b"\n\n" not in file.read_bytes(), "an empty needle is found everywhere"
    grep = subprocess.run(
        ["grep", "-rlaF", "-D", "skip", "-f", file, "--", *looked_through],
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )
    file.unlink()
    # Files of PostgreSQL come and go meanwhile.
    problems = grep.stderr.decode().splitlines()
    assert all("No such file" in problem for problem in problems), problems
    return {str(Path(line)) for line in grep.stdout.decode().splitlines()}
