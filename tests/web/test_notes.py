"""Notes are saved, however soon whoever writes them is gone."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Route, expect

from chassis.testing.eventually import eventually

from .person import Person

pytestmark = pytest.mark.slow

# The pause of whoever writes, after which a note is saved by itself, never ends here.
_NO_PAUSE = """
const timeout = window.setTimeout;
window.setTimeout = (run, after, ...given) => after === 800 ? 0 : timeout(run, after, ...given);
"""
# What does not ask to outlive the page ends with it, however quick the server is.
_ENDS_WITH_THE_PAGE = """
const real = window.fetch;
window.fetch = (request, ...given) =>
  request.method === "PATCH" && !request.keepalive ? new Promise(() => {}) : real(request, ...given);
"""


@pytest.fixture
def write(person: Person) -> Callable[[str], str]:
    """Writes in a new note, and gives its address in the API."""

    def write_one(text: str) -> str:
        answer = person.user.http.post("/api/v1/notes", json={"title": "Tea", "content": "Green"})
        note_id = answer.json()["id"]
        person.page.add_init_script(_NO_PAUSE)
        person.go(f"/notes/{note_id}")
        person.page.get_by_role("textbox", name="Text", exact=True).fill(text)
        expect(person.page.get_by_text("Saving …")).to_be_visible()
        return f"/api/v1/notes/{note_id}"

    return write_one


def test_a_log_out_saves_what_was_just_written(person: Person, write: Callable[[str], str]) -> None:
    address = write("Green, and black")
    person.page.get_by_role("button", name=person.user.username).click()
    person.page.get_by_role("menuitem", name="Log out").click()
    expect(person.button("Log in")).to_be_visible()
    person.user.log_in()
    assert person.user.http.get(address).json()["content"] == "Green, and black"


def test_a_page_that_goes_saves_what_was_just_written(
    person: Person, write: Callable[[str], str]
) -> None:
    person.page.add_init_script(_ENDS_WITH_THE_PAGE)
    address = write("Green, and white")
    person.page.goto("about:blank")

    _wait_for_content(person, address, "Green, and white")


def test_what_a_page_that_goes_cannot_send_is_saved_at_the_next_visit(
    person: Person, write: Callable[[str], str]
) -> None:
    person.page.add_init_script(_ENDS_WITH_THE_PAGE)
    # Browsers send 64 KiB of a page that goes, and no more.
    long = "Green, and long. " * 5_000
    address = write(long)
    person.page.close()
    assert person.user.http.get(address).json()["content"] == "Green"
    held: list[Route] = []
    person.context.route(
        f"**{address}",
        lambda route: held.append(route) if route.request.method == "PATCH" else route.continue_(),
    )
    next_visit = person.tab()
    next_visit.goto(f"{person.stack.url}/notes")
    expect(next_visit.get_by_text("Not saved yet")).to_be_visible()
    while not held:
        next_visit.wait_for_timeout(20)
    held[0].continue_()
    expect(next_visit.get_by_text("Not saved yet")).to_have_count(0)
    _wait_for_content(person, address, long)


def _wait_for_content(person: Person, address: str, content: str) -> None:
    def is_saved() -> bool:
        return bool(person.user.http.get(address).json()["content"] == content)

    # In a thread, since the browser's loop runs in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(eventually(is_saved))).result()
