"""Somebody with a screen: what one sees and does on the pages, by roles and accessible names."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

from tests.client import PASSWORD, User
from tests.stack import Stack

# Before any script of the page: what its policy keeps from it, and what it must never reach.
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
window.executed = [];
"""
_LOG_IN = """
async ([username, password]) => {
  const answer = await fetch("/api/v1/auth/login", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({username, password, use_cookie: true}),
  });
  const {user} = await answer.json();
  // By this the pages know that there is a log-in to be asked for.
  localStorage.setItem("parley.user", JSON.stringify({id: user.id, username: user.username}));
  return answer.status;
}
"""

# A loaded machine with two cores.
PATIENCE_MS = 30_000

Open = Callable[..., "Person"]


@dataclass
class Person:
    """One user on one screen; more tabs of it by :meth:`tab`."""

    user: User
    stack: Stack
    context: BrowserContext
    page: Page = field(init=False)
    #: What scripts of the pages threw, or complained of.
    errors: list[str] = field(default_factory=list)
    #: Requests to any other host.
    elsewhere: list[str] = field(default_factory=list)
    #: Complaints that a test has caused on purpose.
    expected: list[str] = field(default_factory=list)
    _pages: list[Page] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.add_init_script(_WATCH)
        self.page = self.tab()

    def tab(self) -> Page:
        """Another tab of the same browser."""
        page = self.context.new_page()
        page.on("request", self._note)
        page.on("pageerror", lambda error: self._complain(str(error)))
        page.on("console", self._hear)
        self._pages.append(page)
        return page

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self._complain(said.text)

    def _complain(self, text: str) -> None:
        # Chromium tells of every refusal and every failed request, which the pages answer in words.
        if text.startswith("Failed to load resource") or "WebSocket connection" in text:
            return
        if not any(re.search(pattern, text) for pattern in self.expected):
            self.errors.append(text)

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self.stack.url, "data:", "blob:")):
            self.elsewhere.append(request.url)

    @property
    def violations(self) -> list[Any]:
        """What the policy kept from the pages that are still open."""
        return [one for page in self._pages if not page.is_closed() for one in _violations(page)]

    def log_in(self, path: str = "/") -> None:
        """Be logged in, at this page, without going by the form."""
        # A page of the same origin that has no policy, and no script that would log in by itself.
        blank = f"{self.stack.url}/a-blank-page"
        self.context.route(
            blank, lambda route: route.fulfill(body="", content_type="text/html; charset=utf-8")
        )
        self.page.goto(blank)
        status = self.page.evaluate(_LOG_IN, [self.user.username, PASSWORD])
        assert status == 200
        self.context.unroute(blank)
        self.go(path)

    def go(self, path: str) -> None:
        self.page.goto(f"{self.stack.url}{path}")

    # --- what one sees ------------------------------------------------------------

    @property
    def box(self) -> Locator:
        """Where questions are written."""
        return self.page.get_by_role("textbox", name="Message", exact=True)

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name="Conversation")

    @property
    def answers(self) -> Locator:
        return self.log.get_by_role("article", name=re.compile("^Answer"))

    @property
    def questions(self) -> Locator:
        return self.log.get_by_role("article", name=re.compile("^You said"))

    @property
    def chats(self) -> Locator:
        return self.page.get_by_role("navigation", name="Conversations")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def text_of_answer(self, page: Page | None = None) -> str:
        """The last answer as it stands on the page."""
        place = (page or self.page).get_by_role("log", name="Conversation")
        last = place.get_by_role("article", name=re.compile("^Answer")).last
        text: str = last.locator("[data-body]").inner_text()
        return text

    # --- what one does --------------------------------------------------------------

    def use(self, model: str, **changes: str) -> dict[str, Any]:
        """Have this scripted model as the default connection."""
        self.user.log_in()
        key = self.user.create_key(self.stack.model_url, model, **changes)
        answer = self.user.http.put("/api/v1/keys/default", json={"key_id": key["id"]})
        assert answer.status_code == 200, answer.text
        return key

    def ask(self, question: str) -> None:
        """Write a question and send it."""
        self.box.fill(question)
        self.button("Send").click()

    def wait_for_end(self, *, milliseconds: float = PATIENCE_MS) -> None:
        """Until the answer is whole: what stops it is gone, and what is done with it is there."""
        expect(self.button("Stop")).to_have_count(0, timeout=milliseconds)
        expect(self.answers.last).to_be_visible()


def words(text: str) -> list[str]:
    """What is said in ``text``, whether as Markdown or as it is shown."""
    return re.findall(r"\w+", html.unescape(text))


def begins(shown: str, whole: str) -> bool:
    """Whether ``whole`` begins with what is shown, which may end within a word of it."""
    said = words(shown)
    return bool(said) and words(whole)[: len(said) - 1] == said[:-1]


def _violations(page: Page) -> list[Any]:
    found: list[Any] = page.evaluate("window.violations ?? []")
    return found
