"""The page of usage: what was asked is on it, and admins see it in sums; a limit is said in words."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.stack import Stack

from .person import Open, Person

pytestmark = pytest.mark.slow


def _wait_until(said: Callable[[], bool]) -> None:
    """A file of the operator's is looked at every five seconds."""
    ends = time.monotonic() + 30
    while not said():
        assert time.monotonic() < ends
        time.sleep(0.1)


def _requests(person: Person) -> int:
    """How many are counted by now."""
    usage = person.user.http.get("/api/v1/me/usage")
    assert usage.status_code == 200, usage.text
    requests: int = usage.json()["total"]["requests"]
    return requests


def test_what_was_asked_is_on_the_page_by_model_and_day(person: Person) -> None:
    page = person.page
    person.go("/account")
    page.get_by_role("link", name="Show usage").click()
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Nothing was used")).to_be_visible()

    person.go("/")
    person.ask("What is Parley?")
    _wait_until(lambda: _requests(person) == 1)
    person.go("/account/usage")
    models = page.get_by_role("region", name="By model").get_by_role("row")
    expect(models).to_have_count(2)
    told = person.user.http.get("/api/v1/me/usage").json()
    (item,) = told["items"]
    expect(models.nth(1)).to_contain_text(item["model"])
    expect(models.nth(1)).to_contain_text(f"{item['completion_tokens']:,}")
    expect(page.get_by_text(re.compile(r"tokens in 1 requests"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("Tokens by day"))).to_be_visible()
    page.get_by_role("combobox", name="Time").select_option("lastMonth")
    expect(page.get_by_role("status").filter(has_text="Nothing was used")).to_be_visible()


def test_an_operator_sees_sums_and_is_in_the_audit_log_for_it(
    person: Person, open_person: Open, web_stack: Stack
) -> None:
    person.go("/")
    person.ask("What is Parley?")
    _wait_until(lambda: _requests(person) == 1)
    someone = open_person()
    made = web_stack.command("auth-service", "make-operator", someone.user.username)
    assert made.returncode == 0, made.stderr
    someone.log_in("/admin/usage")
    page = someone.page
    expect(page.get_by_role("region", name="Users").get_by_role("row").nth(1)).to_be_visible()
    page.get_by_role("combobox", name="By").select_option("tenant")
    expect(page.get_by_role("region", name="Tenants").get_by_role("row")).not_to_have_count(1)
    page.get_by_role("navigation", name="Administration").get_by_role(
        "link", name="Audit log"
    ).click()
    entries = page.get_by_role("list", name="Audit log").get_by_role("listitem")
    expect(entries.filter(has_text="Looked at usage").first).to_be_visible()


def test_what_is_left_is_said_and_the_end_of_it_with_the_time_in_ones_language(
    person: Person, web_stack: Stack
) -> None:
    page = person.page
    http = person.user.http
    person.ask("What is Parley?")
    _wait_until(lambda: _requests(person) == 1)
    user_id = http.get("/api/v1/me").json()["id"]
    file = web_stack.directory / "usage.toml"

    def limit(tokens: int, soft: int) -> None:
        file.write_text(
            f'[[limits]]\nperiod = "day"\ntokens = {tokens}\nsoft_tokens = {soft}\n'
            f'users = ["{user_id}"]\nown = true\n'
        )

    def state(wanted: str) -> bool:
        items = http.get("/api/v1/me/limits").json()["items"]
        return [one["tokens"]["state"] for one in items] == [wanted]

    limit(1_000_000, 1)
    _wait_until(lambda: state("soft"))
    page.reload()
    notice = page.get_by_role("status").filter(has_text="You have used most of what you may use.")
    expect(notice).to_be_visible()
    notice.get_by_role("link", name="Show what is left").click()
    left = page.get_by_role("list", name="What is left").get_by_role("listitem")
    expect(left).to_contain_text("of 1,000,000 tokens left")
    expect(left).to_contain_text("nearly used up")
    expect(left).to_contain_text("Begins anew on")

    limit(2, 1)
    _wait_until(lambda: state("used_up"))
    person.expected.append("429")
    person.go("/")
    person.ask("And then?")
    refused = page.get_by_role("alert").filter(has_text="What you may use is used up.")
    expect(refused).to_contain_text(re.compile(r"You can go on from .*\d{1,2}:\d{2}"))
    http.patch("/api/v1/me/settings", json={"language": "zh"})
    page.reload()
    expect(page.get_by_text(re.compile("你的额度已用完，.*重新计算")).first).to_be_visible()
    person.go("/account/usage")
    expect(page.get_by_role("list", name="剩余额度")).to_contain_text("重新计算")
    file.write_text("")
