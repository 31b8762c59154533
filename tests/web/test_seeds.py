"""Faults by seed, as somebody meets them who reads an answer: two of every process, and one door to them.

Whatever dies, is cut or sleeps, and whenever: the page shows every word, once, and no error of its own.
"""

import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import WebSocketRoute, expect

from chassis.embedded import EmbeddedServer
from parley_local.model_server.texts import text_of
from tests.faults.cluster import Cluster
from tests.faults.proxy import Proxy

from .person import Open, Person, begins, words
from .test_faults import settle

pytestmark = pytest.mark.faults

_FAULTS = (
    "gateway killed", "gateway stopped", "owner killed", "everything of the gateways killed",
    "postgres killed", "redis killed", "nats killed", "line away", "connections reset", "tab frozen",
)  # fmt: skip
# Twelve seconds, of which every fault leaves some.
_MODEL = "tokens-480-at-40"
_LONGEST = 120_000
#: Of the seeds of `make faults`, one in so many is tried in a browser.
_SHARE = 4


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "plan" in metafunc.fixturenames:
        seeds = range(max(1, metafunc.config.getoption("--seeds") // _SHARE))
        metafunc.parametrize("plan", [Plan.of(seed) for seed in seeds], ids=[str(s) for s in seeds])


@dataclass(frozen=True)
class Plan:
    """What happens to one reader, once `words` words stand on the page; `away` is in seconds."""

    fault: str
    words: int
    away: float
    #: Through which gateway the browser comes, and whether a WebSocket gets through.
    gateway: int
    socket: bool

    @classmethod
    def of(cls, seed: int) -> "Plan":
        """The same for the same seed; as many seeds in a row as there are faults have each of them."""
        rng = random.Random(seed)
        return cls(
            fault=_FAULTS[seed % len(_FAULTS)],
            words=rng.randint(5, 150),
            away=rng.uniform(0.1, 8),
            gateway=rng.randrange(2),
            socket=rng.random() < 0.7,
        )


@dataclass
class Fronted(Cluster):
    """With a door in front of the gateways, which leads to one of them, as that of a load balancer."""

    leads_to: int = 0
    door: Proxy = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.door = self.proxies.add(self._gateway_place)

    def _gateway_place(self) -> tuple[str, int]:
        return "127.0.0.1", self.members("gateway")[self.leads_to].port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.door.port}"


@pytest.fixture(scope="module")
def cluster(pages: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    cluster = Fronted(tmp_path_factory.mktemp("fronted"), arguments=pages)
    cluster.start()
    yield cluster
    if cluster.process is not None:
        cluster.stop()


@pytest.fixture
def reader(cluster: Fronted, open_person: Open, plan: Plan) -> Iterator[Person]:
    """Somebody who has asked something long, and reads."""
    settle(cluster)
    cluster.leads_to = plan.gateway
    user = cluster.user()
    person = open_person(user=user, in_stack=cluster)
    # While nobody is there, requests fail, and the browser says so.
    person.expected.append("ERR_|Failed to fetch|net::")
    if not plan.socket:
        person.context.route_web_socket("**/*", _refuse)
    person.use(_MODEL)
    person.log_in()
    person.ask("At length")
    yield person
    user.close()


def _refuse(socket: WebSocketRoute) -> None:
    socket.close(code=1013)


def _strike(cluster: Fronted, person: Person, plan: Plan) -> None:
    """Return when the fault is over, or what was killed is on its way back."""
    gateways = cluster.members("gateway")
    other = 1 - plan.gateway
    match plan.fault:
        case "gateway killed":
            cluster.leads_to = other
            gateways[plan.gateway].process.kill()
        case "gateway stopped":
            cluster.leads_to = other
            gateways[plan.gateway].process.send_signal(signal.SIGTERM)
        case "everything of the gateways killed":
            for process in [gateway.process for gateway in gateways]:
                process.kill()
        case "owner killed":
            cluster.owner().process.kill()
        case "line away":
            person.context.set_offline(True)
            person.page.wait_for_timeout(plan.away * 1000)
            person.context.set_offline(False)
        case "connections reset":
            cluster.door.drop()
        case "tab frozen":
            browser = person.context.new_cdp_session(person.page)
            browser.send("Page.setWebLifecycleState", {"state": "frozen"})
            time.sleep(plan.away)
            browser.send("Page.setWebLifecycleState", {"state": "active"})
        case _:
            servers = cluster.servers
            server: EmbeddedServer = getattr(servers, plan.fault.partition(" ")[0])
            server.kill()
            person.page.wait_for_timeout(min(plan.away, 1.5) * 1000)
            starting = threading.Thread(target=servers.start_again, args=(server,))
            starting.start()
            starting.join()


def test_a_reader_misses_no_word(cluster: Fronted, reader: Person, plan: Plan) -> None:
    expect(reader.answers.last).to_be_visible()
    while len(words(reader.text_of_answer())) < plan.words:
        reader.page.wait_for_timeout(50)
    session_id = reader.page.url.rpartition("/")[2]
    live = cluster.query("SELECT status FROM runs WHERE session_id = %s", session_id)
    assert live == [("running",)], "there is nothing left to lose"
    before = reader.text_of_answer()

    _strike(cluster, reader, plan)

    reader.wait_for_end(milliseconds=_LONGEST)
    shown = reader.text_of_answer()
    if plan.fault == "owner killed":
        expect(reader.log.get_by_text("Interrupted.")).to_be_visible(timeout=60_000)
        shown = reader.text_of_answer()
        assert begins(shown, text_of(_MODEL))
        assert len(words(shown)) >= len(words(before)) - 1
    else:
        assert words(shown) == words(text_of(_MODEL))
        assert "error" not in reader.log.inner_text().lower()
    settle(cluster)
    reader.page.reload()
    expect(reader.answers).to_have_count(1)
    expect(reader.answers.last.locator("[data-body]")).not_to_be_empty()
    assert words(reader.text_of_answer()) == words(shown)
    kept = reader.user.messages(session_id)
    assert [one["role"] for one in kept] == ["user", "assistant"]
    assert words(kept[1]["content"]) == words(shown)
