"""What admins and operators see and do, and that nobody else does."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.client import User
from tests.stack import Stack

from .person import Open, Person

pytestmark = pytest.mark.slow


@pytest.fixture
def operator(open_person: Open, web_stack: Stack) -> Person:
    someone = open_person()
    made = web_stack.command("auth-service", "make-operator", someone.user.username)
    assert made.returncode == 0, made.stderr
    someone.log_in("/admin")
    expect(someone.page.get_by_role("list", name="Users")).to_be_visible()
    return someone


@pytest.fixture
def subject(web_stack: Stack) -> Iterator[User]:
    user = User(web_stack.url)
    yield user
    user.close()


def test_a_user_finds_nothing_there(person: Person) -> None:
    for path in ("/admin", "/admin/audit", "/admin/tenants"):
        person.go(path)
        expect(
            person.page.get_by_role("heading", name="There is nothing at this address.")
        ).to_be_visible()
    person.page.get_by_role("button", name=person.user.username).click()
    expect(person.page.get_by_role("menuitem", name="Account")).to_be_visible()
    expect(person.page.get_by_role("menuitem", name="Administration")).to_have_count(0)


def test_a_user_is_found_disabled_and_deleted_by_keys_alone(
    operator: Person, subject: User
) -> None:
    page = operator.page
    page.get_by_role("searchbox", name="Find a user").fill(subject.username[2:])
    users = page.get_by_role("list", name="Users").get_by_role("listitem")
    expect(users).to_have_count(1)
    menu = page.get_by_role("button", name=f"Actions for {subject.username}")

    menu.focus()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Delete the user")).to_be_focused()
    page.keyboard.type("d")
    expect(page.get_by_role("menuitem", name="Disable")).to_be_focused()
    page.keyboard.press("Enter")
    expect(users.first).to_contain_text("disabled")
    expect(menu).to_be_focused()

    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Show the audit log")).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    asked = page.get_by_role("dialog", name=f"Delete {subject.username} for good?")
    expect(asked.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No users found.")).to_be_visible()
    operator.button("Receipt").click()
    expect(page.get_by_role("heading", name="The account has been deleted")).to_be_visible()


def test_what_happened_is_shown_of_one_user_or_of_all(operator: Person, subject: User) -> None:
    page = operator.page
    page.get_by_role("searchbox", name="Find a user").fill(subject.username)
    page.get_by_role("button", name=f"Actions for {subject.username}").click()
    page.get_by_role("menuitem", name="Show the audit log").click()
    entries = page.get_by_role("list", name="Audit log").get_by_role("listitem")
    expect(entries.filter(has_text="Registered")).to_have_count(1)
    page.get_by_role("combobox", name="What").select_option("tenant.")
    expect(page.get_by_text("Nothing has happened.")).to_be_visible()
    page.get_by_role("link", name="About everybody").click()
    page.get_by_role("combobox", name="What").select_option("user.")
    expect(entries.filter(has_text="Role changed").first).to_be_visible()


def test_a_tenant_is_made_and_a_second_of_its_name_refused_at_the_field(operator: Person) -> None:
    page = operator.page
    page.get_by_role("link", name="Tenants").click()
    name = page.get_by_role("textbox", name="Name")
    called = f"Research {operator.user.id[-6:]}"
    name.fill(called)
    page.keyboard.press("Enter")
    tenants = page.get_by_role("list", name="Tenants").get_by_role("listitem")
    expect(tenants.filter(has_text=called)).to_have_count(1)
    expect(name).to_have_value("")
    name.fill(called.upper())
    page.keyboard.press("Enter")
    expect(name).to_have_accessible_description(
        "There is a tenant of this name, or of one that looks the same."
    )
