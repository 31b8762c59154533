"""Conversations as files: one by its menu, and all of them."""

import json
from pathlib import Path

from playwright.sync_api import expect

from .person import Person


def _ask(person: Person, question: str) -> None:
    person.use("echo")
    person.go("/")
    person.ask(question)
    person.wait_for_end()


def test_one_chat_is_exported_by_its_menu_under_its_title(person: Person) -> None:
    _ask(person, "Where is it kept?")
    page = person.page
    person.button("Actions for Where is it kept?").click()
    page.get_by_role("menuitem", name="Export …").click()
    dialog = page.get_by_role("dialog", name="Export the chat")
    with page.expect_download() as begun:
        dialog.get_by_role("button", name="Download").click()
    assert begun.value.suggested_filename == "Where is it kept?.md".replace("?", "")
    text = Path(begun.value.path()).read_text()
    assert "# Where is it kept?" in text
    assert text.rstrip().rpartition("\n")[2].startswith("<!-- end conversations=1 messages=2 ")
    expect(dialog.get_by_role("status")).to_have_text("The file is complete.")


def test_all_is_exported_from_the_account(person: Person) -> None:
    _ask(person, "Take me along")
    person.go("/account")
    export = person.page.get_by_role("form", name="Export")
    with person.page.expect_download() as begun:
        export.get_by_role("button", name="Download").click()
    document = json.loads(Path(begun.value.path()).read_bytes())
    assert [one["title"] for one in document["conversations"]] == ["Take me along"]
    assert document["notes"] == document["personas"] == []
    expect(export.get_by_role("status")).to_have_text("The file is complete.")
