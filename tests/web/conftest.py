"""One Parley with its pages, one Chromium, and people who have screens in it."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser import FLAGS, chromium
from tests.client import User
from tests.stack import Stack
from tools import web

from .person import PATIENCE_MS, Open, Person

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def browser_program() -> str:
    """Where Chromium is; without one there is nothing to be done here."""
    return chromium()


@pytest.fixture(scope="session")
def pages(browser_program: str) -> tuple[str, ...]:
    """What the runner is told of the pages, which are built if they are not as the sources say."""
    web.build()
    # Tests read of it, also where what was built with it is up to date.
    web.installed()
    return ("--web", str(web.DIST), "--offer-demo")


@pytest.fixture(scope="session")
def web_stack(pages: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("web")
    # Of prices and limits: with nothing in it until a test says something of its own people.
    usage = directory / "usage.toml"
    usage.write_text("limits = []\n")
    stack = Stack(directory, arguments=pages, environment={"CHAT_USAGE_FILE": str(usage)})
    stack.start()
    yield stack
    if stack.process is not None:
        stack.stop()


# Not of the session: what drives it keeps a loop running, beside which no asynchronous test can run. Of
# these here none is one.
@pytest.fixture(scope="package")
def one_chromium(browser_program: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_program, args=FLAGS, headless=True, timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


@pytest.fixture
def open_person(one_chromium: Browser, web_stack: Stack) -> Iterator[Open]:
    """``open_person()``: somebody new, logged in on a screen of their own. Nobody may break the policy."""
    with ExitStack() as stack:
        people: list[Person] = []

        def open_one(
            *, user: User | None = None, in_stack: Stack = web_stack, **screen: object
        ) -> Person:
            if user is None:
                user = User(in_stack.url)
                stack.callback(user.close)
            context = one_chromium.new_context(
                **{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **screen}  # type: ignore[arg-type] # options of new_context
            )
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE_MS)
            people.append(Person(user, in_stack, context))
            return people[-1]

        yield open_one
        for person in people:
            assert person.violations == []
            assert person.errors == []
            assert person.elsewhere == []


@pytest.fixture
def person(open_person: Open) -> Person:
    """Somebody new, logged in, before a new chat."""
    someone = open_person()
    someone.log_in()
    return someone
