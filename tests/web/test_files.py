"""Files on the pages: chosen, dropped or pasted, on their way, on messages, and gone."""

import base64
import io

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, expect

from .person import Open, Person

_DROP = """
([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type}));
  const place = document.querySelector("#composer");
  const tell = (event) => place.dispatchEvent(
    new DragEvent(event, {dataTransfer: transfer, bubbles: true, cancelable: true}));
  tell("dragenter");
  tell("dragover");
  window.drop = () => tell("drop");
}
"""
_PASTE = """
([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, {type}));
  document.querySelector("#composer").dispatchEvent(
    new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true}));
}
"""


def text_file(name: str, text: str) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


def square() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (60, 60), "blue").save(made, "PNG")
    return made.getvalue()


@pytest.fixture
def person(open_person: Open) -> Person:
    person = open_person()
    person.use("echo")
    person.log_in()
    expect(person.button("Attach files")).to_be_visible()
    return person


def choose(person: Person, *files: FilePayload) -> None:
    person.page.locator("input[type=file]").set_input_files(list(files))


def test_a_text_is_attached_answered_by_and_downloaded(person: Person) -> None:
    page = person.page
    assert "up to" in (person.button("Attach files").get_attribute("title") or "")
    choose(person, text_file("plan.txt", "Tea at five."), text_file("other.txt", "Not this."))
    chosen = page.get_by_role("list", name="Attached files").get_by_role("listitem")
    expect(chosen).to_have_count(2)
    person.button("Remove other.txt").click()
    expect(chosen).to_have_count(1)
    person.box.fill("When is tea?")
    person.button("Send").click()
    expect(person.answers.last).to_contain_text("Tea at five.")
    # On the message, and in the composer no more.
    expect(chosen).to_have_count(1)
    # On the message, also once it is read anew.
    page.reload()
    of_message = person.questions.get_by_role("button", name="Download plan.txt", exact=True)
    with page.expect_download() as download:
        of_message.click()
    assert download.value.suggested_filename == "plan.txt"
    assert download.value.path().read_text() == "Tea at five."
    # What the model was given is told of it.
    person.answers.last.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="What the model was given").click()
    expect(page.get_by_role("dialog")).to_contain_text("plan.txt: 12 of 12 characters")


@pytest.mark.slow
def test_a_picture_is_dropped_seen_opened_and_said_to_be_deleted(person: Person) -> None:
    page = person.page
    person.use("sees")
    page.reload()
    expect(person.button("Attach files")).to_be_visible()
    told = ["square.png", "image/png", base64.b64encode(square()).decode()]
    page.evaluate(_DROP, told)
    expect(page.get_by_text("Drop the files to attach them")).to_be_visible()
    page.evaluate("() => drop()")
    expect(page.get_by_text("Drop the files to attach them")).to_have_count(0)
    expect(person.button("Remove square.png")).to_be_visible()
    person.box.fill("What is it?")
    person.button("Send").click()
    expect(person.answers.last).to_contain_text("1 pictures: image/png")
    page.reload()
    person.questions.get_by_role("button", name="Open square.png", exact=True).click()
    dialog = page.get_by_role("dialog", name="square.png")
    expect(dialog.get_by_role("img", name="square.png")).to_be_visible()
    natural = dialog.get_by_role("img").evaluate("one => one.naturalWidth")
    assert natural == 60
    page.keyboard.press("Escape")
    (file,) = person.user.http.get("/api/v1/files").json()["items"]
    assert person.user.http.delete(f"/api/v1/files/{file['id']}").status_code == 204
    page.reload()
    expect(person.questions.last).to_contain_text("Deleted since")
    expect(person.button("Open square.png")).to_have_count(0)


@pytest.mark.slow
def test_what_is_pasted_is_attached_and_what_is_refused_says_why(person: Person) -> None:
    page = person.page
    told = ["pasted.png", "image/png", base64.b64encode(square()).decode()]
    page.evaluate(_PASTE, told)
    expect(person.button("Remove pasted.png")).to_be_visible()
    choose(person, {"name": "picture.png", "mimeType": "image/png", "buffer": b"\x7fELF\0\0"})
    refused = page.get_by_role("alert")
    expect(refused).to_have_text("picture.png: Files of this kind are not taken here.")
    # With it the question is not sent, and stays.
    person.box.fill("What is it?")
    expect(person.button("Send")).to_be_disabled()
    person.button("Remove picture.png").click()
    choose(person, text_file("nothing.txt", ""))
    expect(refused).to_have_text("nothing.txt: The file is empty.")
    person.button("Remove nothing.txt").click()
    expect(person.button("Send")).to_be_enabled()
    # What the server has is there after a reload.
    page.reload()
    expect(person.box).to_have_value("What is it?")
    expect(person.button("Remove pasted.png")).to_be_visible()


@pytest.mark.slow
def test_an_upload_is_cancelled_on_its_way(person: Person) -> None:
    page = person.page
    page.route("**/api/v1/files", lambda route: None)
    choose(person, text_file("slow.txt", "slow"))
    expect(page.get_by_role("progressbar", name="slow.txt")).to_be_visible()
    expect(person.button("Send")).to_be_disabled()
    person.button("Cancel slow.txt").click()
    expect(page.get_by_role("list", name="Attached files")).to_have_count(0)
    page.unroute("**/api/v1/files")
    choose(person, text_file("quick.txt", "quick"))
    expect(person.button("Remove quick.txt")).to_be_visible()


@pytest.mark.slow
def test_a_model_that_sees_nothing_is_said_to(person: Person) -> None:
    person.use("blind")
    person.page.reload()
    choose(person, {"name": "square.png", "mimeType": "image/png", "buffer": square()})
    expect(person.button("Remove square.png")).to_be_visible()
    person.box.fill("What is it?")
    person.button("Send").click()
    expect(person.log).to_contain_text("This model takes no pictures.")
