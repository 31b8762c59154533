"""A browser for the tests: the system's own Chromium, with nobody to talk to but this machine."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, sync_playwright

# Where it is. Set, it must be there; otherwise it is looked for, and tests without it are skipped.
VARIABLE = "PARLEY_CHROMIUM"
# A loaded machine with two cores: what is waited for is a condition, and this is its end.
PATIENCE_MS = 120_000

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""


@dataclass
class Browser:
    """One page, and all that it asked for and said."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.add_init_script(_WATCH)
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.errors.append(said.text) if said.type == "error" else None,
        )

    def _note(self, request: Request) -> None:
        self.requests.append(request.url)

    @property
    def violations(self) -> list[Any]:
        """What the page's policy kept from it."""
        found: list[Any] = self.page.evaluate("window.violations")
        return found


def chromium() -> str:
    """The path of Chromium; skips the test where there is none, unless there has to be one."""
    asked = os.environ.get(VARIABLE)
    found = shutil.which(asked or "chromium")
    if found is None:
        if asked:
            pytest.fail(f"{VARIABLE}={asked}, and there is no such program")
        pytest.skip(f"no chromium on the PATH (Debian: apt install chromium), nor {VARIABLE}")
    return found


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in ``folder``; closed with all its processes."""
    program = chromium()
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            folder,
            executable_path=program,
            args=FLAGS,
            headless=True,
            viewport={"width": 1280, "height": 1000},
            timeout=PATIENCE_MS,
        )
        try:
            context.set_default_timeout(PATIENCE_MS)
            browser = Browser(context.pages[0])
            browser.watch()
            yield browser
        finally:
            context.close()
