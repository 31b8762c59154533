"""The sidebar as a drawer, menus in it, and where the focus is."""

import pytest
from playwright.sync_api import expect

from .person import Open, Person

pytestmark = pytest.mark.slow


def test_on_a_phone_escape_shuts_what_is_on_top_and_the_focus_goes_back(
    open_person: Open,
) -> None:
    someone = open_person(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    someone.log_in()
    page = someone.page
    way = someone.button("Open the sidebar")
    user = page.get_by_role("button", name=someone.user.username)
    expect(way).to_be_visible()
    expect(user).not_to_be_in_viewport()
    way.click()
    expect(someone.button("Close the sidebar")).to_be_focused()
    expect(page.locator("main")).to_have_attribute("inert", "")
    user.click()
    expect(page.get_by_role("menuitem", name="Account")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem", name="Account")).to_be_hidden()
    expect(user).to_be_focused()
    page.keyboard.press("Escape")
    expect(way).to_be_focused()
    expect(user).not_to_be_in_viewport()
    expect(someone.box).to_be_visible()
    # A page that is gone to shuts the drawer.
    way.click()
    user.click()
    page.get_by_role("menuitem", name="Account").click()
    expect(page.get_by_role("heading", name="Account", level=1)).to_be_visible()
    expect(user).not_to_be_in_viewport()


def test_on_a_phone_a_question_of_many_lines_leaves_room_for_its_answer_and_a_new_chat_is_near(
    open_person: Open,
) -> None:
    someone = open_person(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    someone.log_in()
    someone.use("echo")
    session = someone.user.create_session()
    someone.user.ask(session, "\n".join(f"line {number}" for number in range(12)))
    someone.go(f"/c/{session}")
    question = someone.questions.first
    box = "(article) => article.clientHeight"
    folded = question.evaluate(box)
    someone.button("Show all of it").tap()
    assert question.evaluate(box) > folded + 100
    someone.button("Show less").tap()
    assert question.evaluate(box) == folded
    someone.page.locator("main header").get_by_role("button", name="New chat").tap()
    expect(someone.page).to_have_url(f"{someone.stack.url}/")


def test_a_conversation_is_printed_as_far_as_it_is_here_and_nothing_beside_it(
    person: Person,
) -> None:
    person.use("tokens-600")
    person.ask("At length")
    person.wait_for_end()
    box = "(log) => [log.clientHeight, log.scrollHeight]"
    shown, whole = person.log.evaluate(box)
    assert shown < whole
    person.page.emulate_media(media="print", color_scheme="dark")
    expect(person.chats).to_be_hidden()
    expect(person.box).to_be_hidden()
    shown, whole = person.log.evaluate(box)
    assert shown == whole
    expect(person.page.locator("html")).to_have_css("background-color", "rgb(255, 255, 255)")
