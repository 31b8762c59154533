"""Sharing on the pages: an owner makes a link, a stranger reads it and goes on in a Parley of their own."""

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from .person import Open, Person


def _link_of(person: Person, *, files: bool = False, **options: str) -> str:
    """Made by the dialog of the conversation that is shown."""
    person.page.get_by_role("button", name=re.compile("^Share")).click()
    dialog = person.page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Share this conversation")).to_be_visible()
    for label, text in options.items():
        dialog.get_by_label(re.compile(f"^{label}", re.IGNORECASE)).first.fill(text)
    if files:
        dialog.get_by_label("Show the files of the questions").click()
    dialog.get_by_role("button", name="Make a link").click()
    expect(dialog.get_by_role("heading", name="Your link")).to_be_visible()
    link = dialog.locator("code").inner_text()
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(dialog).to_have_count(0)
    return link


def _path(person: Person, link: str) -> str:
    assert link.startswith(f"{person.stack.url}/share/")
    return link.removeprefix(person.stack.url)


def _articles(page: Page) -> int:
    return page.get_by_role("log", name="Conversation").get_by_role("article").count()


def test_a_stranger_reads_what_was_shared_and_continues_it_after_logging_in(
    open_person: Open,
) -> None:
    owner = open_person()
    owner.use("echo")
    owner.log_in()
    plan: FilePayload = {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"Tea at five."}
    owner.page.locator("input[type=file]").set_input_files([plan])
    expect(owner.page.get_by_role("list", name="Attached files")).to_contain_text("plan.txt")
    owner.ask("Tell me of **tea**.")
    owner.wait_for_end()
    link = _link_of(owner, files=True)
    # Its mark is in the list, and the link is not shown again.
    expect(owner.chats.get_by_role("link", name=re.compile(r"\(shared\)$"))).to_be_visible()
    expect(owner.page.get_by_text(link)).to_have_count(0)

    stranger = open_person()
    stranger.go(_path(owner, link))
    expect(stranger.page.get_by_role("heading", level=1)).to_contain_text("Tell me of")
    expect(stranger.answers).to_have_count(1)
    assert stranger.page.locator("textarea, nav").count() == 0
    # The owner has said that the file is shown as well: it is saved, and is in no copy.
    with stranger.page.expect_download() as download:
        stranger.button("Download plan.txt").click()
    assert download.value.path().read_text() == "Tea at five."
    expect(stranger.page.get_by_text("none of the files")).to_be_visible()
    # Reloaded, it is the same view.
    stranger.page.reload()
    expect(stranger.answers).to_have_count(1)
    stranger.button("Continue in my Parley").click()
    stranger.page.get_by_role("textbox", name="User name").fill(stranger.user.username)
    stranger.page.get_by_label("Password", exact=True).fill("correct horse battery staple")
    stranger.button("Log in").click()
    expect(stranger.page).to_have_url(re.compile("/c/"))
    expect(stranger.answers).to_have_count(1)
    expect(stranger.box).to_be_visible()
    expect(stranger.button("Download plan.txt")).to_have_count(0)

    # One view was counted, and the link is revoked in the list of all of them.
    owner.go("/shares")
    links = owner.page.get_by_role("list", name="Links")
    expect(links).to_contain_text("opened once")
    expect(links).to_contain_text("with files")
    owner.page.get_by_role("button", name=re.compile("^Revoke the link")).click()
    owner.page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
    expect(owner.page.get_by_text("You share nothing yet.")).to_be_visible()
    late = open_person()
    late.go(_path(owner, link))
    expect(late.page.get_by_role("heading", name="This link opens nothing")).to_be_visible()
    expect(late.page.get_by_role("link", name="Log in")).to_be_visible()


@pytest.mark.slow
def test_a_password_is_asked_for_and_a_refresh_shows_what_came_since(open_person: Open) -> None:
    owner = open_person()
    owner.use("echo")
    owner.log_in()
    owner.ask("One.")
    owner.wait_for_end()
    link = _link_of(owner, password="芝麻开门")
    stranger = open_person(locale="zh-CN")
    stranger.go(_path(owner, link))
    expect(stranger.page.get_by_role("heading", name="此对话需要密码")).to_be_visible()
    field = stranger.page.locator("input[name=password]")
    field.fill("wrong")
    field.press("Enter")
    expect(stranger.page.get_by_text("密码错误。")).to_be_visible()
    field.fill("芝麻开门")
    field.press("Enter")
    expect(stranger.page.get_by_role("log").get_by_role("article")).to_have_count(2)

    owner.ask("Two.")
    owner.wait_for_end()
    expect(owner.answers).to_have_count(2)
    owner.page.get_by_role("button", name="Share (Shared)").click()
    owner.page.get_by_role("button", name=re.compile("^Bring .* up to date$")).click()
    expect(owner.page.get_by_text("The link shows the conversation as it is now.")).to_be_visible()
    stranger.page.reload()
    expect(stranger.page.get_by_role("log").get_by_role("article")).to_have_count(4)


@pytest.mark.slow
def test_who_reads_a_share_loads_no_more_than_that_takes(open_person: Open) -> None:
    owner = open_person()
    owner.use("echo")
    owner.log_in()
    owner.ask("One.")
    owner.wait_for_end()
    link = _link_of(owner)
    stranger = open_person()
    loaded: list[tuple[str, int]] = []
    stranger.page.on(
        "response",
        lambda response: (
            loaded.append((response.url, int(response.headers.get("content-length", "0"))))
            if "/assets/" in response.url and response.url.endswith(".js")
            else None
        ),
    )
    stranger.go(_path(owner, link))
    expect(stranger.answers).to_have_count(1)
    assert _articles(stranger.page) == 2
    assert loaded
    assert not [url for url, _ in loaded if re.search("inside|ChatPage", url)]
    assert 0 < sum(size for _, size in loaded) < 200_000


@pytest.mark.slow
def test_what_is_not_offered_has_no_button(person: Person) -> None:
    page = person.page
    share = page.get_by_role("button", name="Share", exact=True)
    attach = person.button("Attach files")
    files = page.get_by_role("dialog").get_by_label("Show the files of the questions")
    person.go(f"/c/{person.user.create_session(title='All is offered')}")
    expect(attach).to_be_visible()
    share.click()
    expect(files).to_be_visible()
    _answer(person, "/files/limits", offered=False, maximum_bytes=0, kinds=[])
    expect(share).to_be_visible()
    expect(attach).to_have_count(0)
    share.click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Make a link")).to_be_visible()
    expect(files).to_have_count(0)
    _answer(person, "/chat/shares/limits", maximum_shares=0)
    expect(person.chats.get_by_role("link", name="All is offered")).to_be_visible()
    expect(page.get_by_role("combobox", name="Model")).to_be_visible()
    expect(share).to_have_count(0)


def _answer(person: Person, path: str, **limits: object) -> None:
    """Loads the page anew where the operator has other limits."""
    address = f"**/api/v1{path}"
    person.context.route(address, lambda route: route.fulfill(json=limits))
    with person.page.expect_response(address):
        person.page.reload()
