"""The way of somebody who comes for the first time, and what is there when they come back."""

import re

import pytest
from playwright.sync_api import expect

from parley_local.model_server.texts import text_of
from tests.client import PASSWORD, SignUp
from tests.stack import Stack

from .person import Open, Person, begins, words

# It does not end before somebody has stopped it.
_LONG = "tokens-20000-at-40"
_BEGINNING = "The quick brown fox jumps over the lazy dog."


def test_a_newcomer_registers_and_asks_the_demo_model_without_any_key(
    open_person: Open, web_stack: Stack, sign_up: SignUp
) -> None:
    someone = open_person(user=sign_up(web_stack))
    page = someone.page
    someone.go("/")
    page.get_by_role("link", name="Register").click()
    page.get_by_role("textbox", name="User name").fill(f"{someone.user.username}-2")
    page.get_by_role("textbox", name="E-mail").fill(f"2{someone.user.email}")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    someone.button("Register").click()
    someone.ask("What is Parley?")
    expect(someone.questions).to_have_count(1)
    expect(someone.answers.last).to_contain_text("You asked: What is Parley?")
    someone.wait_for_end()
    assert "a real model" in someone.text_of_answer()
    assert re.fullmatch(r".*/c/[0-9a-f-]{36}", page.url)
    # It is in the list, and a reload shows the same.
    expect(someone.chats.get_by_role("link", name=re.compile("What is Parley"))).to_be_visible()
    shown = someone.text_of_answer()
    page.reload()
    expect(someone.answers).to_have_count(1)
    assert someone.text_of_answer() == shown


@pytest.mark.slow
def test_who_logs_in_comes_to_the_page_that_was_asked_for(
    open_person: Open, web_stack: Stack, sign_up: SignUp
) -> None:
    user = sign_up(web_stack)
    someone = open_person(user=user)
    page = someone.page
    someone.go("/keys")
    page.get_by_role("textbox", name="User name").fill(user.username)
    page.get_by_label("Password", exact=True).fill("a wrong one")
    someone.button("Log in").click()
    expect(
        page.get_by_role("alert").filter(has_text=re.compile("password", re.IGNORECASE))
    ).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    someone.button("Log in").click()
    expect(page.get_by_role("heading", name="Connections", level=1)).to_be_visible()
    assert page.url == f"{web_stack.url}/keys"


def test_a_reload_in_mid_answer_loses_no_word(person: Person) -> None:
    person.use(_LONG)
    person.go("/")
    person.ask("Go on")
    expect(person.answers.last).to_contain_text(_BEGINNING)
    before = person.text_of_answer()
    person.page.reload()
    expect(person.button("Stop")).to_be_visible()
    expect(person.answers.last).to_contain_text(_BEGINNING)
    later = person.text_of_answer()
    assert len(words(later)) >= len(words(before))
    person.button("Stop").click()
    person.wait_for_end()
    assert begins(person.text_of_answer(), text_of(_LONG))


def test_two_tabs_show_one_conversation_as_it_goes(person: Person) -> None:
    person.use(_LONG)
    person.go("/")
    other = person.tab()
    other.goto(person.stack.url)
    person.ask("For both of us")
    chats = other.get_by_role("navigation", name="Conversations")
    chats.get_by_role("link", name=re.compile("For both of us")).click()
    stop = other.get_by_role("button", name="Stop", exact=True)
    expect(stop).to_be_visible()
    # One that is stopped before its first word has none.
    for page in (person.page, other):
        expect(page.get_by_role("log").get_by_role("article").last).to_contain_text(_BEGINNING)
    # Whoever stops it stops it for both.
    stop.click()
    person.wait_for_end()
    expect(stop).to_have_count(0)
    assert begins(person.text_of_answer(), text_of(_LONG))
    expect(person.button("Continue")).to_be_visible()
    assert person.text_of_answer(other) == person.text_of_answer()


def test_who_stops_an_answer_keeps_what_there_is_and_goes_on_with_it(person: Person) -> None:
    person.use(_LONG)
    person.go("/")
    person.ask("At length")
    expect(person.answers.last).to_contain_text(_BEGINNING)
    person.button("Stop").click()
    person.wait_for_end()
    kept = person.text_of_answer()
    assert begins(kept, text_of(_LONG))
    person.button("Continue").click()
    expect(person.button("Stop")).to_be_visible()
    person.button("Stop").click()
    person.wait_for_end()
    assert person.text_of_answer().startswith(kept.rstrip()[:-10])


def test_a_log_out_is_one_of_all_tabs(person: Person) -> None:
    other = person.tab()
    other.goto(f"{person.stack.url}/notes")
    expect(other.get_by_role("heading", name="Notes", level=1)).to_be_visible()
    person.page.get_by_role("button", name=re.compile(person.user.username)).click()
    person.page.get_by_role("menuitem", name="Log out").click()
    for page in (person.page, other):
        expect(page.get_by_role("button", name="Log in", exact=True)).to_be_visible()
    assert person.page.evaluate("Object.keys(sessionStorage).length") == 0
