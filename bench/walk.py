"""From a bare clone to the first word of an answer, as a newcomer walks: seconds, clicks, and a picture of each step.

    python -m bench.walk --language zh --pictures .screens

What is committed is cloned into an empty folder, `make run` is typed there, and the address that it
prints is opened in a browser without a past. Caches of pip and npm are those of the machine.
"""

import argparse
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from chassis.embedded import free_port
from tests.browser import FLAGS, chromium

_STEP_MS = 60_000
_READY_SECONDS = 600.0
_URL = re.compile(rb"Parley is ready at (http://127\.0\.0\.1:\d+)")
# What is read on the screen, by language: labels, and what is asked.
_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "locale": "en-GB", "register": "Register", "name": "User name", "mail": "E-mail",
        "password": "Password", "box": "Message", "send": "Send", "stop": "Stop",
        "log": "Conversation", "question": "What is Parley?",
    },
    "zh": {
        "locale": "zh-CN", "register": "注册", "name": "用户名", "mail": "邮箱",
        "password": "密码", "box": "消息", "send": "发送", "stop": "停止",
        "log": "对话", "question": "Parley 是什么？",
    },
}  # fmt: skip


@dataclass
class Walk:
    """What was done so far, and when."""

    pictures: Path | None
    language: str
    began: float = field(default_factory=time.monotonic)
    clicks: int = 0
    keys: int = 0
    steps: list[tuple[str, float]] = field(default_factory=list)

    def reach(self, step: str, page: Page | None = None) -> None:
        """This step is done."""
        self.steps.append((step, time.monotonic() - self.began))
        if page is not None and self.pictures is not None:
            number = len(self.steps)
            page.screenshot(path=self.pictures / f"walk-{self.language}-{number}.png")

    def click(self, what: Locator) -> None:
        what.click()
        self.clicks += 1

    def type(self, where: Locator, text: str) -> None:
        """As a person does: the field is clicked first, unless the cursor is in it."""
        if not where.evaluate("element => element === document.activeElement"):
            self.click(where)
        where.press_sequentially(text)
        self.keys += len(text)

    def report(self) -> str:
        lines = [f"{seconds:7.1f} s  {step}" for step, seconds in self.steps]
        return "\n".join([*lines, f"{self.clicks} clicks, {self.keys} characters typed"])


@contextmanager
def _running(folder: Path, walk: Walk) -> Iterator[str]:
    """The address that `make run` prints in a clone of what is committed here."""
    subprocess.run(["git", "clone", "-q", ".", str(folder)], check=True)
    walk.reach("cloned")
    log = folder.with_suffix(".log")
    environment = {
        **os.environ,
        "GATEWAY_PORT": str(free_port()),
        "DEMO_MODEL_PORT": str(free_port()),
    }
    with log.open("wb") as output:
        runner = subprocess.Popen(
            ["make", "run"], cwd=folder, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        while not (said := _URL.search(log.read_bytes())):
            if runner.poll() is not None or time.monotonic() - walk.began > _READY_SECONDS:
                raise RuntimeError(log.read_text(errors="replace")[-2000:])
            time.sleep(0.1)
        walk.reach("`make run` says where it is")
        yield said[1].decode()
    finally:
        os.killpg(runner.pid, signal.SIGINT)
        runner.wait(60)


def _to_the_first_word(walk: Walk, browser: Browser, url: str) -> None:
    texts = _TEXTS[walk.language]
    context = browser.new_context(locale=texts["locale"], viewport={"width": 1280, "height": 800})
    context.set_default_timeout(_STEP_MS)
    page = context.new_page()
    page.goto(url)
    register = page.get_by_role("link", name=texts["register"])
    register.wait_for()
    walk.reach("the page is there", page)
    walk.click(register)
    name = f"newcomer{secrets.randbelow(10**6)}"
    walk.type(page.get_by_role("textbox", name=texts["name"]), name)
    walk.type(page.get_by_role("textbox", name=texts["mail"]), f"{name}@example.com")
    walk.type(page.get_by_label(texts["password"], exact=True), secrets.token_urlsafe(12))
    walk.reach("the form is filled in", page)
    walk.click(page.get_by_role("button", name=texts["register"], exact=True))
    box = page.get_by_role("textbox", name=texts["box"], exact=True)
    box.wait_for()
    walk.reach("registered, before a new chat", page)
    walk.type(box, texts["question"])
    walk.click(page.get_by_role("button", name=texts["send"], exact=True))
    answer = page.get_by_role("log", name=texts["log"]).locator("[data-body]").last
    answer.filter(has_text=re.compile(r"\w")).wait_for()
    walk.reach("the first word of an answer", page)
    page.get_by_role("button", name=texts["stop"], exact=True).wait_for(state="detached")
    walk.reach("the whole answer", page)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.walk")
    parser.add_argument("--language", choices=sorted(_TEXTS), default="en")
    parser.add_argument("--pictures", type=Path, help="a folder for a picture of each step")
    arguments = parser.parse_args()
    if arguments.pictures is not None:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="parley-walk-") as folder, sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium(), args=FLAGS, headless=True)
        walk = Walk(arguments.pictures, arguments.language)
        with _running(Path(folder) / "parley", walk) as url:
            _to_the_first_word(walk, browser, url)
        browser.close()
    sys.stdout.write(f"{walk.report()}\n")


if __name__ == "__main__":
    main()
