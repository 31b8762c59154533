"""The page of the account: what is changed there holds, and what is deleted there is gone."""

import re
from contextlib import closing

import pytest
from playwright.sync_api import expect

from tests.client import PASSWORD
from tests.stack import Stack

from .person import Open, Person

pytestmark = pytest.mark.slow


def _account(person: Person) -> None:
    person.go("/account")
    expect(person.page.get_by_role("list", name="Logins")).to_contain_text("this one")


def test_language_and_theme_hold_on_every_device_without_a_flash(
    person: Person, open_person: Open
) -> None:
    page = person.page
    _account(person)
    page.get_by_role("combobox", name="Theme").select_option("dark")
    page.get_by_role("combobox", name="Language").select_option("zh")
    expect(page.get_by_role("heading", name="账户", level=1)).to_be_visible()
    settings = person.user.http.get("/api/v1/me/settings").json()
    assert (settings["language"], settings["theme"]) == ("zh", "dark")

    other = open_person(user=person.user)
    other.log_in("/notes")
    expect(other.page.get_by_role("heading", name="笔记", level=1)).to_be_visible()
    expect(other.page.locator("html")).to_have_attribute("data-theme", "dark")
    # From then on before anything is drawn: no script of ours but the first has run.
    other.context.route("**/assets/*.js", lambda route: route.abort())
    other.expected.append("ERR_FAILED")
    other.page.reload(wait_until="domcontentloaded")
    assert other.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert other.page.evaluate("document.documentElement.lang") == "zh-CN"
    other.context.unroute("**/assets/*.js")

    # Back to the browser's.
    page.get_by_role("combobox", name="语言").select_option("")
    expect(page.get_by_role("heading", name="Account", level=1)).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Account", level=1)).to_be_visible()


def test_a_language_chosen_at_the_door_becomes_the_users(
    open_person: Open, web_stack: Stack
) -> None:
    someone = open_person()
    page = someone.page
    someone.go("/login")
    page.get_by_role("button", name="简体中文").click()
    page.get_by_role("textbox", name="用户名").fill(someone.user.username)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    with page.expect_response(lambda answer: answer.request.method == "PATCH") as saved:
        page.get_by_role("button", name="登录").click()
    assert saved.value.url == f"{web_stack.url}/api/v1/me/settings"
    assert someone.user.http.get("/api/v1/me/settings").json()["language"] == "zh"


def test_a_wrong_password_stands_at_its_field_and_a_right_one_changes_it(person: Person) -> None:
    page = person.page
    _account(person)
    old = page.get_by_label("Current password", exact=True)
    new = page.get_by_label("New password", exact=True)
    old.fill("not this one")
    new.fill("another long enough secret")
    person.button("Change the password").click()
    expect(old).to_have_accessible_description("The password is wrong.")
    expect(old).to_be_focused()
    assert new.input_value() == "another long enough secret"
    old.fill(PASSWORD)
    person.button("Change the password").click()
    expect(page.get_by_role("status").filter(has_text="has been changed")).to_be_visible()
    expect(old).to_have_value("")


def test_another_login_is_ended_from_here(person: Person) -> None:
    with closing(person.user.again()) as elsewhere:
        _account(person)
        logins = person.page.get_by_role("list", name="Logins").get_by_role("listitem")
        # The one of registering, that of `again`, and the browser's.
        expect(logins).to_have_count(3)
        for left in (2, 1):
            person.page.get_by_role("button", name=re.compile("^End the login of")).first.click()
            expect(logins).to_have_count(left)
        refresh = {"refresh_token": elsewhere.grant["refresh_token"]}
        answer = elsewhere.http.post("/api/v1/auth/refresh", json=refresh)
        assert answer.status_code == 401


def test_a_token_is_made_shown_once_copied_and_deleted(person: Person) -> None:
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = person.page
    _account(person)
    person.button("New token").click()
    made = page.get_by_role("dialog")
    expect(made.get_by_role("textbox", name="Name")).to_be_focused()
    made.get_by_role("checkbox", name="Read conversations").uncheck()
    expect(made.get_by_role("button", name="Create the token")).to_be_disabled()
    made.get_by_role("checkbox", name="Read notes").check()
    page.keyboard.press("Control+a")
    made.get_by_role("textbox", name="Name").fill("my script")
    page.keyboard.press("Enter")
    expect(made.get_by_role("heading", name="Your token")).to_be_visible()
    made.get_by_role("button", name="Copy").click()
    expect(made.get_by_role("button", name="Copied")).to_be_visible()
    token = page.evaluate("navigator.clipboard.readText()")
    assert token.startswith("parley_pat_")
    bearer = {"Authorization": f"Bearer {token}"}
    assert person.user.http.get("/api/v1/notes", headers=bearer).status_code == 200
    assert person.user.http.get("/api/v1/keys", headers=bearer).status_code == 403
    page.keyboard.press("Escape")
    expect(person.button("New token")).to_be_focused()
    assert token not in page.content()
    person.button("Delete the token my script").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("You have no tokens.")).to_be_visible()
    assert person.user.http.get("/api/v1/notes", headers=bearer).status_code == 401


def test_who_leaves_sees_the_receipt_and_the_address_stays_good(person: Person) -> None:
    page = person.page
    _account(person)
    person.button("Delete the account").click()
    asked = page.get_by_role("dialog")
    asked.get_by_label("Your password").fill("not this one")
    page.keyboard.press("Enter")
    expect(asked.get_by_label("Your password")).to_have_accessible_description(
        "The password is wrong."
    )
    asked.get_by_label("Your password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The account has been deleted")).to_be_visible()
    gone = page.get_by_role("list", name="Delete the account").get_by_role("listitem")
    expect(gone).to_have_count(4)
    page.reload()
    expect(page.get_by_role("heading", name="The account has been deleted")).to_be_visible()
    page.get_by_role("link", name="Create an account").click()
    expect(person.button("Register")).to_be_visible()
    assert person.context.cookies() == []
