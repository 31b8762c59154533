"""The list of conversations: what is done to one, what comes from elsewhere, and that nothing jumps."""

import re

import pytest
from playwright.sync_api import Locator, expect

from .person import Open, Person

pytestmark = pytest.mark.slow


@pytest.fixture
def chats(person: Person) -> list[str]:
    """Enough of them for two pages, made before the pages were opened."""
    made = [person.user.create_session(title=f"Chat {number}") for number in range(50)]
    person.page.reload()
    expect(row(person, "Chat 49")).to_be_visible()
    return made


def row(person: Person, title: str) -> Locator:
    return person.chats.get_by_role("link", name=title, exact=True)


def choose(person: Person, title: str, action: str) -> None:
    """Do this by the row's menu."""
    row(person, title).hover()
    person.chats.get_by_role("button", name=f"Actions for {title}", exact=True).click()
    person.page.get_by_role("menuitem", name=action).click()


@pytest.mark.usefixtures("chats")
def test_a_title_is_changed_in_its_place_and_an_input_method_closes_nothing(person: Person) -> None:
    choose(person, "Chat 49", "Rename")
    box = person.chats.get_by_role("textbox", name="Title")
    expect(box).to_be_focused()
    keyboard = person.context.new_cdp_session(person.page)
    composing = {"text": "ni", "selectionStart": 2, "selectionEnd": 2}
    keyboard.send("Input.imeSetComposition", composing)
    for key in ("Enter", "Escape"):
        pressed = {"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": 229}
        keyboard.send("Input.dispatchKeyEvent", pressed)
        expect(box).to_be_visible()
    keyboard.send("Input.insertText", {"text": "你好"})
    box.press("Enter")
    # Where one was before, one is again.
    expect(row(person, "你好")).to_be_focused()
    person.page.keyboard.press("F2")
    box.fill("Not this")
    box.press("Escape")
    expect(row(person, "你好")).to_be_focused()
    person.page.reload()
    expect(row(person, "你好")).to_be_visible()


@pytest.mark.usefixtures("chats")
def test_what_is_archived_or_deleted_comes_back_by_undo(person: Person) -> None:
    choose(person, "Chat 48", "Archive")
    expect(row(person, "Chat 48")).to_have_count(0)
    person.button("Undo").click()
    expect(row(person, "Chat 48")).to_be_visible()

    row(person, "Chat 47").click()
    expect(person.page).to_have_url(re.compile("/c/"))
    row(person, "Chat 47").press("Delete")
    expect(row(person, "Chat 47")).to_have_count(0)
    expect(person.page).to_have_url(f"{person.stack.url}/")
    person.chats.get_by_role("button", name="Recently deleted").click()
    person.chats.get_by_role("button", name="Actions for Chat 47").click()
    person.page.get_by_role("menuitem", name="Restore").click()
    person.chats.get_by_role("button", name="Back to the chats").click()
    expect(row(person, "Chat 47")).to_be_visible()
    # Nothing is offered any more that has been done.
    expect(person.button("Undo")).to_have_count(0)


@pytest.mark.usefixtures("chats")
def test_chats_are_pinned_and_put_into_folders(person: Person) -> None:
    choose(person, "Chat 46", "Pin")
    pinned = person.chats.get_by_role("region", name="Pinned")
    expect(pinned.get_by_role("link", name="Chat 46", exact=True)).to_be_visible()
    choose(person, "Chat 45", "Move to a folder")
    person.page.get_by_role("combobox", name="Folder").fill("旅行")
    person.button("Move").click()
    folder = person.chats.get_by_role("button", name=re.compile("^旅行"))
    expect(folder).to_have_attribute("aria-expanded", "false")
    expect(row(person, "Chat 45")).to_have_count(0)
    folder.click()
    expect(row(person, "Chat 45")).to_be_visible()


def test_nothing_moves_under_the_pointer_whatever_comes(person: Person, chats: list[str]) -> None:
    person.use("tokens-20")
    row(person, "Chat 43").hover()
    before = row(person, "Chat 43").bounding_box()
    person.user.ask(chats[40], "From elsewhere")
    person.user.create_session(title="Made elsewhere")
    # What is told of it is shown in its place.
    expect(row(person, "Chat 40, unread")).to_be_visible()
    assert row(person, "Chat 43").bounding_box() == before
    assert row(person, "Made elsewhere").count() == 0
    person.page.mouse.move(900, 400)
    expect(person.chats.get_by_role("link").nth(0)).to_have_text("Made elsewhere")
    expect(person.chats.get_by_role("link").nth(1)).to_have_text("Chat 40")


@pytest.mark.usefixtures("chats")
def test_older_chats_come_as_one_scrolls(person: Person) -> None:
    assert row(person, "Chat 0").count() == 0
    row(person, "Chat 49").hover()
    person.page.mouse.wheel(0, 5000)
    expect(row(person, "Chat 0")).to_be_visible()


def test_escape_shuts_a_menu_and_not_the_drawer_that_it_is_in(open_person: Open) -> None:
    person = open_person(viewport={"width": 390, "height": 844}, has_touch=True)
    person.user.create_session(title="On a phone")
    person.log_in()
    person.button("Open the sidebar").tap()
    person.button("Actions for On a phone").tap()
    rename = person.page.get_by_role("menuitem", name="Rename")
    expect(rename).to_be_focused()
    rename.press("Escape")
    expect(rename).to_have_count(0)
    expect(person.button("Actions for On a phone")).to_be_focused()
    row(person, "On a phone").tap()
    expect(person.page).to_have_url(re.compile("/c/"))
    expect(person.button("Open the sidebar")).to_be_visible()


@pytest.mark.usefixtures("chats")
def test_several_chats_are_chosen_deleted_together_and_brought_back(person: Person) -> None:
    choose(person, "Chat 44", "Select several")
    toolbar = person.chats.get_by_role("toolbar", name="Selected chats")
    first = person.chats.get_by_role("checkbox", name="Chat 44", exact=True)
    expect(first).to_be_focused()
    expect(first).to_be_checked()
    person.chats.get_by_role("checkbox", name="Chat 43", exact=True).click()
    person.chats.get_by_role("checkbox", name="Chat 42", exact=True).click()
    first.press("Space")
    expect(toolbar.get_by_role("status")).to_have_text("2 selected")
    toolbar.get_by_role("button", name="Delete").click()
    expect(toolbar).to_have_count(0)
    for title in ("Chat 43", "Chat 42"):
        expect(row(person, title)).to_have_count(0)
    person.button("Undo").click()
    for title in ("Chat 44", "Chat 43", "Chat 42"):
        expect(row(person, title)).to_be_visible()

    choose(person, "Chat 41", "Select several")
    person.page.keyboard.press("ArrowDown")
    person.page.keyboard.press("Space")
    toolbar.get_by_role("button", name="Move to a folder").click()
    person.page.get_by_role("combobox", name="Folder").fill("旅行")
    person.button("Move").click()
    folder = person.chats.get_by_role("button", name=re.compile("^旅行"))
    expect(folder).to_contain_text("2")
    choose(person, "Chat 39", "Select several")
    person.page.keyboard.press("Escape")
    expect(toolbar).to_have_count(0)
    expect(row(person, "Chat 39")).to_be_focused()
