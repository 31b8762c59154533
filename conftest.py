"""The root of all tests.

pytest names a test module after its path. `gateway/tests/test_x.py` becomes
`gateway.tests.test_x`, and unless the real package is known by then, pytest
makes an empty one of that name out of the folder. The same holds for chassis and servicekit.
"""

import gc
import inspect
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from _pytest.nodeid import NodeId
from _pytest.runner import runtestprotocol
from hypothesis import settings

import chassis
import gateway
import servicekit
from chassis.nats_accounts import Accounts
from chassis.testing.shared import LONGEST_STANDSTILL, stop_what_is_kept
from parley.events.rights import CONSUMES, OWNER, PUBLISHES

__all__ = ["chassis", "gateway", "servicekit"]


# Of what holds for every text, tree or file; other ones are drawn each time. A busy machine is no failure.
settings.register_profile("few", max_examples=60, deadline=None)
settings.register_profile("many", max_examples=400, deadline=None)
settings.load_profile("few")

# What costs a dozen processes to start: its tests go to one worker, and share it there.
_STACKS = (
    "stack",
    "web_stack",
    "_mortal_stack",
    "executed_stack",
    "talkative_stack",
    "one_cluster",
)
# Whose tests start processes: on several workers at once they would have the machine to themselves.
_HEAVY = ("tests/", "deploy/local/tests/test_runner")

# Whose tests wait for most of their time. With one of them on each worker the machine would be idle: all of a
# group go to one worker, while the others work.
_WAITING = {
    "streaming": ("chat-service/tests/streaming/",),
    "waits": ("chassis/tests/", "chat-service/tests/files/"),
}

# How many tests of each are still to run in this process.
_LEFT = pytest.StashKey[Counter[str]]()
# Where the last test ran that was on the session's loop, and until when.
_STAY = pytest.StashKey[tuple[str, float]]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two for each core, as tests wait for servers half of their time, and one for each group that waits."""
    return 2 * len(os.sched_getaffinity(0)) + len(_WAITING)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Workers are forked from a process that has imported all tests."""
    if config.invocation_params.dir != config.rootpath:
        # In the folder of a member, ``tests`` are its own: execnet starts workers.
        return
    patch = pytest.MonkeyPatch()
    # The program ``pytest`` does not look there by itself, as ``python -m pytest`` does.
    patch.syspath_prepend(config.rootpath)
    from tests.forkserver.workers import Collected

    collected = Collected(config.args)
    config.add_cleanup(collected.close)
    patch.setattr("execnet.gateway_io.Popen2IOMaster", collected.worker())
    config.add_cleanup(patch.undo)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        _has_one_loop(item)
    if not hasattr(config, "workerinput"):
        return
    for item in items:
        if group := "+".join(_stacks_of(item)) or _waits_in(item):
            # As pytest-xdist marks a test of a group: 3.8 writes it where pytest 9.2 does not look.
            item._id = NodeId.parse(f"{item.nodeid}@{group}")  # noqa: SLF001 - see above
    items[:] = _spread(items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    # What is loaded and collected stays to the end: to look through it time and again for garbage took
    # a quarter of collecting, and a tenth of the CPU of all tests.
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A worker tells of a test what the controller shows: each message costs both half a millisecond.

    Of six there remain three: how the call went, that the test is over, and that the next one may come;
    and whatever failed, was skipped or said something.
    """
    if not hasattr(item.config, "workerinput") or item.config.getoption("durations") is not None:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed or report.sections:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()
    session.stash[_LEFT] = Counter(name for item in session.items for name in _stacks_of(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A stack ends behind the last test that uses it: one that idles takes a twentieth of a core.

    What tests share on the session's loop ends with each stay in their room, and where the loop stood still.
    """
    yield
    if nextitem is not None:
        _leave_room(item, nextitem)
    left = item.session.stash[_LEFT]
    for name, stack in _stacks_of(item).items():
        left[name] -= 1
        if not left[name]:
            assert isinstance(item, pytest.Function)
            # Of the request it reads the node alone, for the message of a failure.
            stack.finish(item._request)  # type: ignore[arg-type]  # noqa: SLF001


def _leave_room(item: pytest.Item, nextitem: pytest.Item) -> None:
    stash = item.session.stash
    if _is_on_one_loop(item):
        stash[_STAY] = (_room_of(item), time.monotonic())
    if _is_on_one_loop(nextitem) and _STAY in stash:
        room, until = stash[_STAY]
        if room != _room_of(nextitem) or time.monotonic() > until + LONGEST_STANDSTILL:
            stop_what_is_kept()


def _room_of(item: pytest.Item) -> str:
    """``gateway/`` or ``deploy/local/``."""
    return item.nodeid.partition("tests/")[0]


def _is_on_one_loop(item: pytest.Item) -> bool:
    """Whether it runs on the loop of the session."""
    marker = item.get_closest_marker("asyncio")
    return marker is not None and marker.kwargs.get("loop_scope") == "session"


def _has_one_loop(item: pytest.Item) -> None:
    """Raises pytest.UsageError for a test on the session's loop with a fixture on its own: it would hang."""
    if not _is_on_one_loop(item):
        return
    assert isinstance(item, pytest.Function)
    for name, fixtures in item._fixtureinfo.name2fixturedefs.items():  # noqa: SLF001 - as below
        work = fixtures[-1].func
        is_async = inspect.iscoroutinefunction(work) or inspect.isasyncgenfunction(work)
        if is_async and getattr(work, "_loop_scope", None) != "session":
            raise pytest.UsageError(f"{item.nodeid}: {name} wants loop_scope='session' as well")


def _stacks_of(item: pytest.Item) -> dict[str, pytest.FixtureDef[Any]]:
    """Those that the test shares with others."""
    assert isinstance(item, pytest.Function)
    known = item._fixtureinfo.name2fixturedefs  # noqa: SLF001 - what pytest itself asks
    found = {name: known[name][-1] for name in _STACKS if name in known}
    return {name: stack for name, stack in found.items() if stack.scope == "session"}


def _waits_in(item: pytest.Item) -> str:
    """The group of those it waits among, or nothing."""
    return next((name for name, rooms in _WAITING.items() if item.nodeid.startswith(rooms)), "")


def _spread(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """The heavy ones evenly among the first two thirds of the others, each kind in its order."""
    heavy = [item for item in items if item.nodeid.startswith(_HEAVY)]
    light = [item for item in items if not item.nodeid.startswith(_HEAVY)]
    step = max(1, len(light) * 2 // 3 // max(1, len(heavy)))
    mixed = list[pytest.Item]()
    for at, item in enumerate(heavy):
        mixed += [item, *light[at * step : (at + 1) * step]]
    return mixed + light[len(heavy) * step :]


@pytest.fixture(scope="session")
def nats_accounts() -> Accounts:
    """Services have the rights that they have in production, below any test's prefix."""
    return Accounts(owner=OWNER, publishes=PUBLISHES, consumes=CONSUMES, prefix="*")
