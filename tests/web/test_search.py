"""One search for chats, messages, notes and commands, by keyboard alone."""

import re

import pytest
from playwright.sync_api import Locator, expect

from .person import Person

pytestmark = pytest.mark.slow


@pytest.fixture
def box(person: Person) -> Locator:
    person.user.create_session(title="关于模型的问题")
    person.user.http.post("/api/v1/notes", json={"title": "Tea", "content": "A pot of green tea."})
    expect(person.box).to_be_visible()
    person.page.keyboard.press("Control+k")
    box = person.page.get_by_role("searchbox", name="Search")
    expect(box).to_be_focused()
    return box


def option(person: Person, name: str) -> Locator:
    return person.page.get_by_role("option", name=re.compile(name))


def test_one_character_finds_a_chat_and_enter_opens_it(person: Person, box: Locator) -> None:
    person.page.keyboard.insert_text("模")
    expect(option(person, "关于模型的问题")).to_have_attribute("aria-selected", "true")
    expect(option(person, "关于模型的问题").locator("mark")).to_have_text("模")
    box.press("Enter")
    expect(person.page).to_have_url(re.compile("/c/"))
    expect(box).to_have_count(0)


def test_an_input_method_chooses_and_shuts_nothing(person: Person, box: Locator) -> None:
    keyboard = person.context.new_cdp_session(person.page)
    composing = {"text": "mo", "selectionStart": 2, "selectionEnd": 2}
    keyboard.send("Input.imeSetComposition", composing)
    for key in ("Enter", "Escape", "ArrowDown"):
        pressed = {"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": 229}
        keyboard.send("Input.dispatchKeyEvent", pressed)
    expect(box).to_be_visible()
    expect(person.page).to_have_url(f"{person.stack.url}/")
    keyboard.send("Input.insertText", {"text": "模"})
    expect(option(person, "关于模型的问题")).to_be_visible()
    box.press("Escape")
    expect(box).to_have_count(0)


def test_notes_and_commands_are_found(person: Person, box: Locator) -> None:
    box.fill("green")
    expect(option(person, "Tea.*A pot of green tea")).to_be_visible()
    box.fill("Personas")
    expect(option(person, "^Personas$")).to_have_attribute("aria-selected", "true")
    box.press("Enter")
    expect(person.page).to_have_url(f"{person.stack.url}/personas")


def test_a_message_is_opened_where_it_stands(person: Person) -> None:
    person.use("tokens-20")
    session = person.user.create_session(title="Long")
    person.user.ask(session, "A needle in it")
    for number in range(3):
        person.user.ask(session, f"Hay {number}")
    expect(person.box).to_be_visible()
    person.page.keyboard.press("Control+k")
    person.page.keyboard.type("needle")
    expect(option(person, "A needle in it")).to_be_visible()
    person.page.keyboard.press("Enter")
    expect(person.questions.first).to_be_focused()
    expect(person.questions.first).to_be_in_viewport()


def test_what_is_typed_into_a_text_is_no_shortcut(person: Person) -> None:
    expect(person.box).to_be_visible()
    person.page.keyboard.press("Control+Shift+o")
    expect(person.box).to_be_focused()
    person.page.keyboard.type("/?")
    expect(person.box).to_have_value("/?")
    person.page.get_by_role("main").focus()
    person.page.keyboard.press("?")
    expect(person.page.get_by_role("heading", name="Keyboard shortcuts")).to_be_visible()
    person.page.keyboard.press("Escape")
    person.page.keyboard.press("/")
    expect(person.box).to_be_focused()
