"""What is killed, cut or asleep in mid-answer costs a reader no word, and shows no error of its own."""

import asyncio
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect

from parley_local.model_server.texts import text_of
from tests.stack import Stack

from .person import Open, Person, begins, words

pytestmark = pytest.mark.faults

_WORDS = "The quick brown fox jumps over the lazy dog."
# Half a minute of it.
_MODEL = "tokens-1200-at-40"
_LONGEST = 120_000


def settle(stack: Stack) -> None:
    """Return when every process is up; in a thread, since the browser's loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(stack.settle())).result()


@pytest.fixture(scope="module")
def _one_mortal_stack(
    pages: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("web-mortal"), arguments=pages)
    stack.start()
    yield stack
    if stack.process is not None:
        stack.stop()


@pytest.fixture
def reader(_one_mortal_stack: Stack, open_person: Open) -> Person:
    """Somebody who has asked something long, and reads."""
    settle(_one_mortal_stack)
    person = open_person(in_stack=_one_mortal_stack)
    # While nobody is there, requests fail, and the browser says so.
    person.expected.append("ERR_|Failed to fetch|net::")
    person.use(_MODEL)
    person.log_in()
    person.ask("At length")
    expect(person.answers.last).to_contain_text(_WORDS)
    return person


def _nothing_is_missing(person: Person) -> None:
    """What the page shows, what it shows when it is loaded anew, and what the server has are one."""
    shown = person.text_of_answer()
    assert begins(shown, text_of(_MODEL))
    person.page.reload()
    expect(person.answers).to_have_count(1)
    expect(person.answers.last).to_contain_text(_WORDS)
    assert person.text_of_answer() == shown
    person.user.log_in()
    kept = person.user.messages(person.page.url.rpartition("/")[2])[1]["content"]
    assert words(shown) == words(kept)


def test_the_gateway_is_killed(reader: Person) -> None:
    reader.stack.service("gateway").send_signal(signal.SIGKILL)
    reader.wait_for_end(milliseconds=_LONGEST)
    assert words(reader.text_of_answer()) == words(text_of(_MODEL))
    assert "error" not in reader.log.inner_text().lower()
    _nothing_is_missing(reader)


def test_chat_service_is_killed_and_the_answer_goes_on_when_asked_to(reader: Person) -> None:
    before = reader.text_of_answer()
    reader.stack.service("chat_service").send_signal(signal.SIGKILL)
    expect(reader.button("Continue")).to_be_visible(timeout=60_000)
    expect(reader.log.get_by_text("Interrupted.")).to_be_visible()
    assert reader.text_of_answer().startswith(before[:-20])
    _nothing_is_missing(reader)
    reader.button("Continue").click()
    expect(reader.button("Stop")).to_be_visible()
    reader.button("Stop").click()
    reader.wait_for_end(milliseconds=_LONGEST)
    assert reader.text_of_answer().startswith(before[:-20])


def test_everything_is_stopped_and_started_again(reader: Person) -> None:
    stack = reader.stack
    before = reader.text_of_answer()
    # What is under way has its time to end, and then it all goes.
    assert stack.stop() == 0
    time.sleep(5)
    stack.start()
    settle(stack)
    reader.wait_for_end(milliseconds=_LONGEST)
    assert reader.text_of_answer().startswith(before[:-20])
    _nothing_is_missing(reader)


def test_the_line_is_away_for_twenty_seconds(reader: Person) -> None:
    reader.context.set_offline(True)
    reader.page.wait_for_timeout(20_000)
    reader.context.set_offline(False)
    reader.wait_for_end(milliseconds=_LONGEST)
    assert words(reader.text_of_answer()) == words(text_of(_MODEL))
    _nothing_is_missing(reader)


def test_the_tab_is_frozen_for_a_minute(reader: Person) -> None:
    browser = reader.context.new_cdp_session(reader.page)
    browser.send("Page.setWebLifecycleState", {"state": "frozen"})
    time.sleep(60)
    browser.send("Page.setWebLifecycleState", {"state": "active"})
    reader.wait_for_end(milliseconds=_LONGEST)
    assert words(reader.text_of_answer()) == words(text_of(_MODEL))
    _nothing_is_missing(reader)


def test_the_gateway_is_killed_between_the_press_and_the_answer(
    reader: Person,
) -> None:
    reader.button("Stop").click()
    reader.wait_for_end(milliseconds=_LONGEST)
    reader.box.fill("Sent once")
    reader.stack.service("gateway").send_signal(signal.SIGKILL)
    reader.button("Send").click()
    expect(reader.questions).to_have_count(2)
    expect(reader.answers.nth(1)).to_contain_text(_WORDS, timeout=60_000)
    reader.user.log_in()
    said = reader.user.messages(reader.page.url.rpartition("/")[2])
    assert [one["content"] for one in said if one["role"] == "user"] == ["At length", "Sent once"]
