"""All that one does on the pages goes by keyboard: whatever Tab comes to is in sight and is seen to have the focus."""

import pytest
from playwright.sync_api import Page, expect

from tests.client import PASSWORD

from .person import Open, Person

pytestmark = pytest.mark.slow

# A text has its cursor; all else an outline.
_FOCUSED = """
() => {
  const at = document.activeElement;
  const {outlineStyle, outlineWidth} = getComputedStyle(at);
  const {top, bottom, left, right} = at.getBoundingClientRect();
  const label = at.getAttribute("aria-label") ?? at.labels?.[0]?.textContent ?? at.textContent;
  return {
    name: label.trim(),
    seen: at.matches("textarea, input:not([type=checkbox])")
      || (outlineStyle !== "none" && parseFloat(outlineWidth) > 0),
    inSight: bottom > 0 && top < innerHeight && right > 0 && left < innerWidth,
  };
}
"""
_MOST_STEPS = 60


def _tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Tab until what has this name has the focus."""
    passed: list[str] = []
    for _ in range(_MOST_STEPS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        focused = page.evaluate(_FOCUSED)
        # Behind the last one of the page is the browser's own.
        if page.evaluate("document.activeElement !== document.body"):
            assert focused["seen"], focused
            assert focused["inSight"], focused
        if focused["name"] == name:
            return
        passed.append(focused["name"])
    pytest.fail(f"{name!r} is not reached, only {passed}")


def _wait_for_answer(person: Person) -> None:
    """Until it is whole, and another one could be asked for."""
    expect(person.answers.last.get_by_role("button", name="Regenerate")).to_be_enabled()


def _open_by_palette(person: Person, name: str) -> None:
    page = person.page
    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox", name="Search", exact=True)).to_be_focused()
    page.keyboard.type(name)
    # Quicker than what is found.
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def test_a_newcomer_goes_from_the_door_through_all_pages_and_out_again(open_person: Open) -> None:
    person = open_person()
    page, keys = person.page, person.page.keyboard
    person.go("/login")
    expect(page.get_by_role("textbox", name="User name", exact=True)).to_be_focused()
    _tab_to(page, "Register")
    keys.press("Enter")
    name = page.get_by_role("textbox", name="User name", exact=True)
    expect(name).to_be_focused()
    keys.type(f"{person.user.username}k")
    _tab_to(page, "E-mail")
    keys.type(f"{person.user.username}k@example.com")
    _tab_to(page, "Password")
    keys.type(PASSWORD)
    keys.press("Enter")

    # A question, another answer to it, and the question as it should have been.
    expect(person.box).to_be_focused()
    keys.type("What is Parley?")
    keys.press("Enter")
    _wait_for_answer(person)
    expect(person.box).to_be_focused()
    keys.press("Alt+ArrowUp")
    expect(person.answers.last).to_be_focused()
    _tab_to(page, "Regenerate")
    keys.press("Enter")
    expect(person.answers.last.get_by_role("button", name="Previous variant")).to_be_enabled()
    expect(person.box).to_be_focused()
    keys.press("ArrowUp")
    edited = page.get_by_role("textbox", name="Edit")
    expect(edited).to_be_focused()
    keys.type(" In a word.")
    keys.press("Control+Enter")
    expect(person.questions.last).to_contain_text("In a word.")
    _wait_for_answer(person)
    expect(person.box).to_be_focused()

    # What is over the page gives the focus back.
    keys.press("Control+k")
    keys.type("Parley")
    expect(page.get_by_role("option").first).to_be_visible()
    keys.press("Escape")
    expect(person.box).to_be_focused()
    keys.press("Shift+Tab")
    keys.press("?")
    expect(page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    keys.press("Escape")
    expect(person.button("Attach files")).to_be_focused()

    _open_by_palette(person, "Notes")
    _tab_to(page, "New note")
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="Title")).to_be_focused()
    keys.type("By keys alone")
    _tab_to(page, "Text")
    keys.type("Not once was there a pointer.")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()

    _open_by_palette(person, "Connections")
    _tab_to(page, "Add a connection")
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_be_focused()
    _tab_to(page, "Cancel")
    keys.press("Enter")
    expect(person.button("Add a connection")).to_be_focused()

    # The menu with the name on it leads to the account, and out.
    _tab_to(page, f"{person.user.username[0].upper()}{person.user.username}k", back=True)
    keys.press("Enter")
    expect(page.get_by_role("menuitem", name="Connections")).to_be_focused()
    keys.press("a")
    expect(page.get_by_role("menuitem", name="Account")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Account")).to_be_visible()
    _tab_to(page, f"{person.user.username[0].upper()}{person.user.username}k", back=True)
    keys.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Log out")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("textbox", name="User name", exact=True)).to_be_focused()
