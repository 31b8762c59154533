"""Conversations as files: out by a chat's menu and for all, and in again by a file."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Route, expect

from .person import Open, Person

pytestmark = pytest.mark.slow


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


def test_all_is_exported_and_imported_by_somebody_else_once(
    person: Person, open_person: Open, tmp_path: Path
) -> None:
    _ask(person, "Take me along")
    person.user.http.post("/api/v1/notes", json={"title": "Tea", "content": "Green"})
    page = person.page
    person.go("/account")
    export = page.get_by_role("form", name="Export")
    export.get_by_role("switch", name="With notes and personas").check()
    with page.expect_download() as begun:
        export.get_by_role("button", name="Download").click()
    file = tmp_path / begun.value.suggested_filename
    begun.value.save_as(file)
    document = json.loads(file.read_bytes())
    assert [one["title"] for one in document["conversations"]] == ["Take me along"]

    other = open_person()
    other.log_in("/account")
    other.page.get_by_label("Choose a file").set_input_files(file)
    imports = other.page.get_by_role("list", name="Imports")
    added = imports.get_by_text("1 chat added, with 2 messages · 1 note added")
    expect(added).to_be_visible()
    expect(imports.get_by_text("done", exact=True)).to_be_visible()
    link = other.chats.get_by_role("link", name="Take me along")
    expect(link).to_be_visible()
    other.page.get_by_label("Choose a file").set_input_files(file)
    expect(imports.get_by_text("1 already here · 1 note already here")).to_be_visible()
    expect(other.chats.get_by_role("link", name="Take me along")).to_have_count(1)
    link.click()
    expect(other.questions.first).to_contain_text("Take me along")


def test_an_export_with_files_is_a_zip_and_comes_in_with_them(
    person: Person, open_person: Open, tmp_path: Path
) -> None:
    person.use("echo")
    person.go("/")
    page = person.page
    page.locator("input[type=file]").set_input_files(
        {"name": "tea.txt", "mimeType": "text/plain", "buffer": b"Tea at five."}
    )
    expect(page.get_by_role("list", name="Attached files").get_by_role("listitem")).to_have_count(1)
    person.ask("When is tea?")
    person.wait_for_end()
    person.go("/account")
    export = page.get_by_role("form", name="Export")
    export.get_by_role("switch", name="With files").check()
    # It is packed as it is.
    expect(export.get_by_role("switch", name="Compressed")).to_have_count(0)
    with page.expect_download() as begun:
        export.get_by_role("button", name="Download").click()
    file = tmp_path / begun.value.suggested_filename
    begun.value.save_as(file)
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        document, attached, told = archive.namelist()
        conversation = json.loads(archive.read(document))["conversations"][0]
        (named,) = conversation["messages"][0]["attachments"]
        assert attached == f"files/{named['id']}-tea.txt"
        assert archive.read(attached) == b"Tea at five."
        assert json.loads(archive.read(told))["files"] == 1

    other = open_person()
    other.log_in("/account")
    other.page.get_by_label("Choose a file").set_input_files(file)
    imports = other.page.get_by_role("list", name="Imports")
    expect(imports.get_by_text("1 chat added, with 2 messages · 1 file added")).to_be_visible()
    other.chats.get_by_role("link", name="When is tea?").click()
    with other.page.expect_download() as had:
        other.questions.get_by_role("button", name="Download tea.txt", exact=True).click()
    assert Path(had.value.path()).read_bytes() == b"Tea at five."


def test_a_file_that_is_no_export_is_told_of_in_words(person: Person, tmp_path: Path) -> None:
    person.go("/account")
    file = tmp_path / "holiday.json"
    file.write_text("no export")
    person.page.get_by_label("Choose a file").set_input_files(file)
    imports = person.page.get_by_role("list", name="Imports")
    expect(imports.get_by_text("This is no export that Parley knows.")).to_be_visible()
    person.button("Delete the report of holiday.json").click()
    expect(imports.get_by_role("listitem")).to_have_count(0)


def test_an_upload_goes_on_wherever_one_goes_and_leaving_is_asked_about(
    person: Person, tmp_path: Path
) -> None:
    file = tmp_path / "none.json"
    file.write_text("[]")
    page = person.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/chat/import", hold)
    person.go("/account")
    page.get_by_label("Choose a file").set_input_files(file)
    progress = page.get_by_role("progressbar", name="none.json is being uploaded")
    expect(progress).to_be_visible()
    for item in ("Notes", "Account"):
        page.get_by_role("button", name=person.user.username).click()
        page.get_by_role("menuitem", name=item, exact=True).click()
        expect(page.get_by_role("heading", name=item, level=1)).to_be_visible()
    expect(progress).to_be_visible()
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    expect(progress).to_be_visible()
    held.pop().continue_()
    imports = page.get_by_role("list", name="Imports")
    expect(imports).to_contain_text("none.json")
    expect(progress).to_have_count(0)
    assert held == []
