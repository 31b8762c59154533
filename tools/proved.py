"""Proves that what stands on a library's inside was proved with the version that is in the lock.

Most of the code needs of a library what its documentation promises. What is named here needs more,
which another minor version may change without a word: then prove it again, and set the version.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tools.members import LOCK


@dataclass(frozen=True, slots=True)
class Proof:
    """`what` was proved with `minor`, e.g. "3.3"; `again` says how, and what to look at."""

    package: str
    minor: str
    what: str
    again: str


_TESTS = "pytest chassis/tests/db_engine chassis/tests/test_db_pipeline.py"
PROOFS = (
    Proof(
        "psycopg",
        "3.3",
        "chassis/db/pipeline.py drives psycopg's generators, and needs its wait() to end a cancelled"
        " one in the server; chassis/db/connect.py, that it forgets a half-made connection",
        f"{_TESTS}, then `python -m bench.statements`: if psycopg's own pipeline costs less than a"
        " tenth of a turn more than ours, ours goes (docs/decisions/0015-below-sqlalchemy.md)",
    ),
    Proof(
        "sqlalchemy",
        "2.1",
        "chassis/db/connect.py looks at connections in the pool's events, and raw connections are"
        " given back outside of a greenlet; chassis/db/statement.py takes the compiler's parameters",
        f"{_TESTS} chassis/tests/test_db_statement.py",
    ),
    Proof(
        "aiohttp",
        "3.14",
        "chat_service/providers/pool.py makes a reader of its own of aiohttp's StreamReader, by its"
        " buffer and by what its parser calls, and has its connector make connections with it; source.py"
        " reads what came before an error",
        "pytest chat-service/tests/streaming/test_strange_providers.py"
        " chat-service/tests/streaming/test_pace.py chat-service/tests/test_provider_connections.py",
    ),
    Proof(
        "redis",
        "8.1",
        "chat_service/streaming/log/redis.py has the asyncio connections' commands packed by hiredis",
        "pytest chat-service/tests/streaming/test_run_log.py",
    ),
    Proof(
        "uvicorn",
        "0.54",
        "gateway/edge builds on its httptools protocol, and chassis/health.py on its main loop",
        "pytest gateway/tests chassis/tests/test_embedded_uvicorn.py",
    ),
    Proof(
        "grpcio",
        "1.85",
        "chassis/grpc/client.py writes to the call beneath grpc.aio's; chassis/grpc/errors.py knows its"
        " logger and the error of a hang-up by name",
        "pytest chassis/tests/rpc",
    ),
    Proof(
        "alembic",
        "1.20",
        "chassis/db/migrate.py has it find the steps of an upgrade, as its own command does",
        "pytest chassis/tests/test_db_migrate.py",
    ),
    Proof(
        "pytest",
        "9.2",
        "conftest.py marks what goes to one worker as pytest-xdist does, ends stacks behind their last"
        " test, and rewrites the asserts of modules beforehand",
        "`make test` in a fresh clone: beside the version before, the same tests pass in the same time",
    ),
)


def main() -> None:
    sys.exit("\n".join(unproved(LOCK.read_text(), PROOFS)) or 0)


def unproved(lock: str, proofs: Sequence[Proof]) -> Iterator[str]:
    """What is to be proved again with the versions of `lock`."""
    for proof in proofs:
        found = re.search(rf"^{re.escape(proof.package)}==([^\s;]+)", lock, re.MULTILINE)
        version = found[1] if found else "none"
        if not version.startswith(f"{proof.minor}."):
            yield (
                f"{proof.package} {version}, but with {proof.minor} it was proved: {proof.what}."
                f" Prove it again: {proof.again}; then say so in tools/proved.py"
            )


if __name__ == "__main__":
    main()
