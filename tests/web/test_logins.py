"""Being logged in, over tabs, reloads and what happens elsewhere."""

from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from tests.client import PASSWORD
from tests.stack import Stack

from .person import Open, Person

_TOKENS = """() => [
  JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage}), document.cookie,
  document.documentElement.outerHTML, location.href,
].filter((place) => /eyJ[\\w-]+\\.eyJ/.test(place))"""


def _menu(person: Person, page: Page, item: str) -> None:
    page.get_by_role("button", name=person.user.username).click()
    page.get_by_role("menuitem", name=item, exact=True).click()


def test_a_log_out_in_one_tab_is_one_in_all_and_forgets_who_was_here(person: Person) -> None:
    other = person.tab()
    other.goto(f"{person.stack.url}/notes")
    expect(other.get_by_role("heading", name="Notes", level=1)).to_be_visible()
    _menu(person, person.page, "Log out")
    for page in (person.page, other):
        expect(page.get_by_role("heading", name="Log in to Parley")).to_be_visible()
        page.goto(f"{person.stack.url}/notes")
        expect(page.get_by_role("button", name="Log in")).to_be_visible()
    kept = other.evaluate("JSON.stringify({...localStorage})")
    assert person.user.username not in kept
    assert person.user.id not in kept


@pytest.mark.slow
def test_a_login_that_was_ended_elsewhere_asks_for_the_password_over_the_page(
    person: Person,
) -> None:
    page = person.page
    person.go("/account")
    words = page.get_by_role("textbox", name="What every model should know")
    words.fill("words that are not saved")
    with closing(person.user.again()) as elsewhere:
        assert elsewhere.http.delete("/api/v1/me/logins").status_code == 204
    # The next request is refused, and so is the cookie.
    page.get_by_role("switch", name="Enter sends").click()
    asked = page.get_by_role("dialog", name="Log in again")
    expect(asked).to_be_visible()
    page.keyboard.press("Escape")
    expect(asked).to_be_visible()
    expect(asked.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.type("not this one")
    page.keyboard.press("Enter")
    expect(asked.get_by_role("alert")).to_contain_text("wrong")
    asked.get_by_label("Password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(asked).to_be_hidden()
    expect(words).to_have_value("words that are not saved")
    page.get_by_role("button", name="Save").nth(1).click()
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()


def test_no_script_of_the_page_leaves_a_token_where_others_find_it(person: Person) -> None:
    person.go("/account")
    expect(person.page.get_by_role("list", name="Logins")).to_contain_text("this one")
    assert person.page.evaluate(_TOKENS) == []
    [cookie] = person.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == (
        "__Host-parley_refresh",
        True,
        "Strict",
    )


@pytest.mark.slow
def test_tabs_that_begin_at_once_are_all_let_in(person: Person) -> None:
    tabs = [person.tab() for _ in range(5)]
    for tab in tabs:
        tab.goto(f"{person.stack.url}/personas", wait_until="commit")
    for tab in tabs:
        expect(tab.get_by_role("heading", name="Personas", level=1)).to_be_visible()
    # The login is still one: a refresh token that is used twice would have ended it.
    person.page.reload()
    expect(person.box).to_be_visible()


@pytest.mark.slow
def test_a_server_that_is_away_is_said_to_be_and_let_in_again_by_itself(person: Person) -> None:
    person.context.route("**/api/v1/auth/refresh", lambda route: route.abort())
    person.page.reload()
    expect(person.page.get_by_text("Parley cannot be reached")).to_be_visible()
    person.context.unroute("**/api/v1/auth/refresh")
    expect(person.box).to_be_visible()


@pytest.mark.slow
def test_what_is_no_page_of_ours_is_never_gone_to_after_logging_in(
    open_person: Open, web_stack: Stack
) -> None:
    someone = open_person()
    someone.go("/login?next=//example.org/")
    someone.page.get_by_role("textbox", name="User name").fill(someone.user.username)
    someone.page.get_by_label("Password", exact=True).fill(PASSWORD)
    someone.page.keyboard.press("Enter")
    expect(someone.box).to_be_visible()
    assert someone.page.url == f"{web_stack.url}/"


@pytest.mark.slow
def test_whoever_comes_back_after_the_cookie_is_gone_is_asked_to_log_in(person: Person) -> None:
    # Behind the refresh that the page begins with, whose answer would set another one.
    expect(person.box).to_be_visible()
    person.context.clear_cookies()
    person.go("/notes")
    expect(person.page.get_by_role("heading", name="Log in to Parley")).to_be_visible()
