"""A browser without a past, and what a page in it has cost."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from tests.browser import FLAGS, chromium

_STEP_MS = 60_000
_LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) longTasks.push(entry.duration);
}).observe({type: "longtask", buffered: true});
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds of CPU: of scripts, of the page's thread in all, of all of the browser's processes."""

    script: float
    page: float
    browser: float
    #: Durations of tasks of more than 50 ms, in milliseconds.
    long_tasks: list[float]


@contextmanager
def one_browser() -> Iterator[Browser]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium(), args=FLAGS, headless=True)
        yield browser
        browser.close()


class Tab:
    """A page in a context of its own, whose cache is empty at first."""

    def __init__(self, browser: Browser) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 1280, "height": 800}, locale="en-GB"
        )
        self.context.set_default_timeout(_STEP_MS)
        self.context.add_init_script(_LONG_TASKS)
        self.page: Page = self.context.new_page()
        self._tools: CDPSession = self.context.new_cdp_session(self.page)
        # In the thread's own time: by the clock, what else runs on the machine would count as well.
        self._tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._tools.send("Network.enable")
        self._kinds: dict[str, str] = {}
        self._bytes: dict[str, float] = {}
        self._tools.on("Network.responseReceived", self._note_kind)
        self._tools.on("Network.loadingFinished", self._note_bytes)

    def _note_kind(self, event: dict[str, Any]) -> None:
        self._kinds[event["requestId"]] = event["type"]

    def _note_bytes(self, event: dict[str, Any]) -> None:
        kind = self._kinds.get(event["requestId"], "?")
        self._bytes[kind] = self._bytes.get(kind, 0) + event["encodedDataLength"]

    def loaded(self) -> dict[str, float]:
        """What came over the line so far, in kB, by kind (``Script``, ``Stylesheet`` …)."""
        return {kind: size / 1000 for kind, size in self._bytes.items()}

    @contextmanager
    def spending(self, into: list[Spent]) -> Iterator[None]:
        """Adds what the block costs to ``into``."""
        before, cpu, tasks = self._metrics(), _cpu(), len(self._long_tasks())
        yield
        after = self._metrics()
        into.append(
            Spent(
                script=(after["ScriptDuration"] - before["ScriptDuration"]) * 1000,
                page=(after["TaskDuration"] - before["TaskDuration"]) * 1000,
                browser=(_cpu() - cpu) * 1000,
                long_tasks=self._long_tasks()[tasks:],
            )
        )

    def memory(self) -> tuple[float, int]:
        """MB of JavaScript's heap behind a collection of garbage, and nodes of the document."""
        self._tools.send("HeapProfiler.collectGarbage")
        time.sleep(1)
        self._tools.send("HeapProfiler.collectGarbage")
        metrics = self._metrics()
        nodes = self.page.evaluate("document.querySelectorAll('*').length")
        return metrics["JSHeapUsedSize"] / 1e6, int(nodes)

    def _metrics(self) -> dict[str, float]:
        metrics = self._tools.send("Performance.getMetrics")["metrics"]
        return {one["name"]: one["value"] for one in metrics}

    def _long_tasks(self) -> list[float]:
        tasks: list[float] = self.page.evaluate("longTasks")
        return tasks


def _cpu() -> float:
    """Seconds of CPU of all of the browser's processes that run."""
    spent = 0.0
    for process in psutil.Process().children(recursive=True):
        if "chrom" in process.name():
            times = process.cpu_times()
            spent += times.user + times.system
    return spent
