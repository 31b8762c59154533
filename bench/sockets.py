"""`python -m bench.sockets`: very many WebSockets open on one gateway, some of them streaming.

Starts a Parley of its own, opens the sockets, streams on some of them, asks every other one at
the end whether it is still there, and prints what it took. Exit status 1 if a socket dropped or
an answer was not what the model sent.
"""

import argparse
import asyncio
import gc
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from bench import costs
from bench.rest import User
from bench.socket_client import Socket, SocketError, Verdict, judge
from bench.stack import Stack, StackError, data_folder, stack
from parley_local.model_server import text_of
from parley_local.model_server.process import model_server

_USERS = 20
_OPENING_AT_ONCE = 64
_ASKED = "Tell me something, at your own pace."


@dataclass(frozen=True, slots=True)
class Plan:
    sockets: int
    streaming: int
    rate: float
    tokens: int
    ramp: float

    @property
    def model(self) -> str:
        return f"tokens-{self.tokens}-at-{self.rate:g}"


@dataclass(frozen=True, slots=True)
class Moment:
    """The gateway at one moment."""

    at: float
    cpu: float
    pss: float


class Run:
    """One run of a plan against a Parley."""

    def __init__(self, plan: Plan, parley: Stack, users: Sequence[User]) -> None:
        self._plan = plan
        self._port = parley.parley.port
        self._gateway = parley.services()["gateway"]
        self._users = users
        self._sockets: list[Socket] = []
        self._key_ids: dict[Socket, str] = {}
        self.errors: Counter[str] = Counter()
        self.verdicts: list[Verdict] = []
        self.moments: list[Moment] = []
        self.closed: Counter[int] = Counter()
        self.answered = 0
        self.pings = 0

    @property
    def opened(self) -> int:
        return len(self._sockets)

    async def go(self) -> None:
        plan = self._plan
        self._note()
        opening = asyncio.Semaphore(_OPENING_AT_ONCE)
        await asyncio.gather(*(self._open(number, opening) for number in range(plan.sockets)))
        await asyncio.sleep(1)
        self._note()
        # No cycles are made from here on, and a collection would show up as a gap.
        gc.disable()
        streaming = self._sockets[: plan.streaming]
        asking = [self._ask(number, socket) for number, socket in enumerate(streaming)]
        asked = asyncio.gather(*asking)
        # From when all of them stream until the first of them ends.
        await asyncio.sleep(plan.ramp + 1)
        self._note()
        await asyncio.sleep(max(plan.tokens / plan.rate - plan.ramp - 2, 1))
        self._note()
        times = await asked
        patience = plan.ramp + 60
        await asyncio.wait([socket.ended for socket in streaming], timeout=patience)
        text = text_of(plan.model)
        self.verdicts = [
            judge(at, socket.events, text) for at, socket in zip(times, streaming, strict=True)
        ]
        self.errors.update(verdict.error for verdict in self.verdicts if verdict.error)
        self.errors.update("a problem" for socket in streaming for _ in socket.problems)
        await self._ask_who_is_there()
        self.pings = sum(socket.pings for socket in self._sockets)
        for socket in self._sockets:
            socket.close()
        await asyncio.sleep(1)

    async def _open(self, number: int, opening: asyncio.Semaphore) -> None:
        user = self._users[number % len(self._users)]
        async with opening:
            loop = asyncio.get_running_loop()
            try:
                _, socket = await loop.create_connection(Socket, "127.0.0.1", self._port)
                await socket.open(self._port, user.token)
            except (OSError, SocketError) as error:
                self.errors[f"opening: {error}"] += 1
                return
        self._sockets.append(socket)
        self._key_ids[socket] = user.key_id

    async def _ask(self, number: int, socket: Socket) -> float:
        await asyncio.sleep(self._plan.ramp * number / self._plan.streaming)
        asked_at = time.perf_counter()
        try:
            await socket.ask(
                {
                    "type": "send",
                    "ref": "q",
                    "content": _ASKED,
                    "model": self._plan.model,
                    "key_id": self._key_ids[socket],
                }
            )
        except SocketError as error:
            self.errors[f"asking: {error}"] += 1
            if not socket.ended.done():
                socket.ended.set_result(None)
        return asked_at

    async def _ask_who_is_there(self) -> None:
        async def ping(socket: Socket) -> None:
            try:
                await socket.ask({"type": "ping", "ref": "p"})
                self.answered += 1
            except SocketError as error:
                self.errors[f"at the end: {error}"] += 1
            if socket.closed is not None:
                self.closed[socket.closed] += 1

        await asyncio.gather(*(ping(socket) for socket in self._sockets))

    def _note(self) -> None:
        pid = self._gateway
        self.moments.append(Moment(time.perf_counter(), costs.cpu_seconds(pid), costs.pss_mib(pid)))

    def report(self) -> str:
        plan, good = self._plan, [verdict for verdict in self.verdicts if not verdict.error]
        before, idle, early, late = self.moments
        opened = max(self.opened, 1)
        opening = (idle.cpu - before.cpu) * 1000 / opened
        streaming = (late.cpu - early.cpu) / (late.at - early.at)
        each = (idle.pss - before.pss) * 1024 / opened
        first = sorted(verdict.first_token for verdict in good)
        gaps = sorted(gap for verdict in good for gap in verdict.gaps)
        rows = {
            "sockets": f"{self.opened} of {plan.sockets} opened",
            "took": f"{idle.at - before.at - 1:.1f} s, {opening:.2f} ms of the gateway's CPU each",
            "at the end": f"{self.answered} answered, dropped: {dict(self.closed) or 'none'}",
            "heartbeats": f"{self.pings} pings of the server answered",
            "streams": f"{len(good)} of {plan.streaming} in order, to the end and as sent",
            "token events": f"{sum(verdict.tokens for verdict in good)}",
            "errors": f"{dict(self.errors) or 'none'}",
            "gateway PSS": f"{before.pss:.0f} MiB, {idle.pss:.0f} with all open: {each:.1f} KiB each",
            "streaming": f"{late.pss:.0f} MiB, {streaming:.0%} of a core while all stream",
            "first token": f"p50 {_at(first, 0.5)}, p99 {_at(first, 0.99)}",
            "gaps": f"p50 {_at(gaps, 0.5)}, p99 {_at(gaps, 0.99)}, longest {_at(gaps, 1)}",
        }
        return "\n".join(f"{name:14}{row}" for name, row in rows.items())


def _at(ordered: Sequence[float], share: float) -> str:
    if not ordered:
        return "none"
    return f"{ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000:.0f} ms"


def main() -> None:
    plan = _plan()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < plan.sockets + 200:
        sys.exit(f"{plan.sockets} sockets need as many open files, and {most} are allowed")
    os.environ["GATEWAY_SOCKETS"] = str(plan.sockets + 100)
    os.environ["GATEWAY_SOCKETS_PER_USER"] = str(plan.sockets)
    try:
        with data_folder() as folder, model_server() as model, stack(folder) as parley:
            users = [parley.parley.new_user(model.base_url) for _ in range(_USERS)]
            run = Run(plan, parley, users)
            uvloop.run(run.go())
    except StackError as error:
        print(error, *error.__notes__, sep="\n", file=sys.stderr)
        sys.exit(1)
    print(run.report())
    sys.exit(1 if run.errors or run.closed or run.opened < plan.sockets else 0)


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m bench.sockets", description=__doc__)
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument("--streaming", type=int, default=1_000, help="of these")
    parser.add_argument("--rate", type=float, default=5.0, help="tokens a second and stream")
    parser.add_argument("--tokens", type=int, default=300, help="length of each answer")
    parser.add_argument("--ramp", type=float, default=25.0, help="seconds over which they ask")
    return Plan(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
